"""Annotated sets that `prepare` refuses."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from nassl.files import InputError
from tests.stages.prepare.annotated_sets import (
    prepared,
)


def refused(kind: str, root: Path, text: str, **changes) -> str:
    with pytest.raises(InputError) as caught:
        prepared(kind, root, root.parent / "out", **changes)
    said = str(caught.value)
    assert re.search(text, said, re.DOTALL), said
    assert not (root.parent / "out" / "labels").exists()
    return said
