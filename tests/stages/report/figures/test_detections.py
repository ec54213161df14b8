"""Pictures of detections."""

from __future__ import annotations

import pytest
from PIL import Image

from nassl.files import InputError
from stages.report.figures.detections import PICTURES, SIDE, detections


def test_pictures_are_made_small_and_counted(evidence):
    folder = evidence.results / "transfer/faunae-voc-s0/drawings"
    for number in range(1, PICTURES + 3):
        Image.new("RGB", (60, 30)).save(folder / f"{number:02d}.jpg")
    (shown,) = detections(evidence)
    assert len(shown.images) == PICTURES
    first, second = shown.images[:2]
    assert (first.width, first.height) == (SIDE, SIDE // 2)
    assert (second.width, second.height) == (60, 30)
    assert first.source.startswith("data:image/jpeg;base64,/9j/")
    assert "faunae-voc-s0 detects" in first.text


def test_a_broken_picture_is_named(evidence):
    (evidence.results / "transfer/faunae-voc-s0/drawings/01.png").write_bytes(b"\x89PNG nothing")
    with pytest.raises(InputError, match=r"drawings/01.png is not an image .*transfer@faunae-voc"):
        detections(evidence)
