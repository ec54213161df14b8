"""Annotation files of any content: the project's own errors or a prepared data set."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nassl.files import InputError
from nassl.settings import Data
from stages.prepare.annotated import settle
from stages.prepare.coco import read_coco
from stages.prepare.voc import read_voc
from tests.catalogue.test_bad_annotations import GOOD, coco, voc, xml
from tests.fuzz.examples import VALUES, bounded, changed, damaged


@pytest.fixture(scope="module")
def roots(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sets")
    voc(folder / "voc", xml())
    coco(folder / "coco", GOOD)
    return folder


@bounded
@given(content=damaged(xml().encode()) | st.binary(max_size=80))
def test_voc(content, roots):
    (roots / "voc/VOCdevkit/VOC2007/Annotations/1.xml").write_bytes(content)
    for on_error in ("stop", "skip"):
        settings = Data("voc", 0, on_error=on_error)
        with suppress(InputError):
            settle(read_voc(roots / "voc", settings), settings)


@bounded
@given(content=changed(GOOD) | VALUES)
def test_coco(content, roots):
    file = roots / "coco/annotations/instances_val2017.json"
    file.write_text(json.dumps(content))
    for on_error in ("stop", "skip"):
        settings = Data("coco", 0, on_error=on_error)
        with suppress(InputError):
            settle(read_coco(roots / "coco", settings), settings)
