"""Which pixels the boxes of accepted sets are of, for every EXIF orientation."""

from __future__ import annotations

import json
import shutil

import pytest

from tests.stages.prepare.annotated_sets import (
    SIZE,
    coco,
    prepared,
    read,
    remarks,
    save,
)
from tests.stages.transfer.perfect import perfect
from tests.stages.transfer.shown import BOXES, RIGHT, seen


@pytest.mark.parametrize("orientation", range(2, 9))
@pytest.mark.parametrize("stored", [True, False], ids=["stored", "turned"])
@pytest.mark.parametrize("suffix", ["jpg", "png", "tiff"])
def test_boxes_are_of_the_image_as_their_size_says(orientation, stored, suffix, tmp_path):
    """A set of sideways images shows by itself whether it was annotated as stored or as turned;
    upside-down images follow the others of their set."""
    from PIL import Image

    from nassl.image_files.decode import BACK

    def store(image, path):
        exif = Image.Exif()
        sideways = orientation >= 5 or path.stem == "002"
        exif[0x0112] = value = 6 if sideways and orientation < 5 else orientation
        image = image if stored else image.transpose(BACK[value])
        save(image, path, exif=exif.tobytes(), **({"quality": 95} if suffix == "jpg" else {}))

    labels = prepared("coco", coco(tmp_path / "set", store=store, suffix=suffix), tmp_path / "out")
    assert seen(labels) == RIGHT
    assert perfect(labels) == BOXES
    how = "annotated as they are stored" if stored else "turned by their EXIF orientation"
    assert [(part, count) for part, count, text in remarks(labels) if how in text] == [
        ("train", 4), ("test", 3),
    ]  # fmt: skip


def test_a_mirrored_stored_image_is_not_mixed_up(tmp_path):
    """A check of `seen`: on the other reading of the pixels, the same boxes are noise."""
    labels = prepared("coco", coco(tmp_path / "set"), tmp_path / "out")
    listed = read(labels, "train")
    other = tmp_path / "other"
    shutil.copytree(labels, other)
    for image in listed:
        for box in image["annotations"]:
            x0, y0, x1, y1 = box["bbox"]
            box["bbox"] = [SIZE[0] - x1, SIZE[1] - y1, SIZE[0] - x0, SIZE[1] - y0]
    (other / "train.json").write_text(json.dumps(listed))
    assert seen(other) != RIGHT
