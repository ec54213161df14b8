"""The keys of a genotype's JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nassl.files import InputError


def check_keys(content: Mapping[str, Any], keys: Sequence[str], where: str) -> None:
    if missing := [key for key in keys if key not in content]:
        raise InputError(f"{where} lacks the key {missing[0]!r}; needed: {', '.join(keys)}")
    if unknown := [key for key in content if key not in keys]:
        raise InputError(f"{where} has the unknown key {unknown[0]!r}; allowed: {', '.join(keys)}")
