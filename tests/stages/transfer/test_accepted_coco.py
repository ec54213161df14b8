"""As test_accepted_voc.py, for every notation of COCO."""

from __future__ import annotations

import numpy as np
import pytest
from pycocotools import mask as run_lengths

from tests.stages.prepare.annotated_sets import (
    SIZE,
    coco,
    prepared,
    read,
    remarks,
)
from tests.stages.prepare.annotated_sets import boxes as drawn
from tests.stages.transfer.perfect import perfect
from tests.stages.transfer.shown import BOXES, MASKS, RIGHT, seen


def from_zero(content, part):
    for entry in content["annotations"]:
        entry["id"] -= 1
    for key, image in (("id", content["images"]), ("image_id", content["annotations"])):
        for entry in image:
            entry[key] -= 1


def without(*keys):
    def edit(content, part):
        for entry in content["annotations"]:
            for key in keys:
                entry.pop(key, None)

    return edit


def zero_area(content, part):
    for entry in content["annotations"]:
        entry["area"] = 0


def two_ids(content, part):
    """The second object of every image is annotated under another id of it."""
    more = [{**image, "id": image["id"] + 100} for image in content["images"]]
    content["images"] += more
    for entry in content["annotations"][1::2]:
        entry["image_id"] += 100


def category_zero(content, part):
    """As Roboflow exports: a category that no box uses comes first."""
    content["categories"].insert(0, {"id": 0, "name": "animals"})


def backwards(content, part):
    if part == "test":
        content["categories"].reverse()


def large_ids(content, part):
    for entry in content["annotations"]:
        entry["category_id"] += 2**53
        entry["image_id"] += 2**63 if entry["image_id"] > 1 else 0
    for entry in content["images"]:
        entry["id"] += 2**63 if entry["id"] > 1 else 0
    for entry in content["categories"]:
        entry["id"] += 2**53


def repeated(content, part):
    count = len(content["annotations"])
    more = [{**entry, "id": entry["id"] + count} for entry in content["annotations"]]
    content["annotations"] += more


def folder_in_name(content, part):
    for image in content["images"]:
        image["file_name"] = f"{'train' if part == 'train' else 'val'}2017/{image['file_name']}"


def capital_name(content, part):
    for image in content["images"]:
        image["file_name"] = image["file_name"].replace(".png", ".PNG")


def encoded(compressed):
    def edit(content, part):
        for entry in content["annotations"]:
            x, y, width, height = entry["bbox"]
            drawn = np.zeros((SIZE[1], SIZE[0]), np.uint8, order="F")
            drawn[y : y + height, x : x + width] = 1
            mask = run_lengths.encode(drawn)
            text = mask["counts"].decode()
            flat = np.concatenate([[0], drawn.reshape(-1, order="F"), [2]]).astype(int)
            runs = np.diff(np.concatenate([[0], np.flatnonzero(np.diff(flat))])).tolist()
            counts = text if compressed else runs
            entry["segmentation"] = {"size": [SIZE[1], SIZE[0]], "counts": counts}

    return edit


def some_masks(content, part):
    """Every second object has something wrong with its mask, each something different."""
    wrong = (
        [], None, [[1, 2, 3, 4]], [[1, 2, 3]], [[5, 5, 5, 5, 5, 5]],
        {"size": list(SIZE), "counts": [SIZE[0] * SIZE[1]]},
        {"size": list(SIZE[::-1]), "counts": [10, 20]},
        {"size": list(SIZE[::-1]), "counts": "PPYo0"},
    )  # fmt: skip
    for index, entry in enumerate(content["annotations"][1::2]):
        entry["segmentation"] = wrong[(index + len(part)) % len(wrong)]


def mixed_masks(content, part):
    encoded(True)(content, part)
    for entry in content["annotations"][::2]:
        x, y, width, height = entry["bbox"]
        corners = [x, y, x + width, y, x + width, y + height, x, y + height]
        entry["segmentation"] = [corners]


def crowd(content, part):
    entry = {**content["annotations"][0], "iscrowd": 1, "id": 99, "bbox": [60, 4, 30, 20]}
    content["annotations"].append(entry | {"segmentation": [[60, 4, 90, 4, 90, 24, 60, 24]]})


def crowd_without_mask(content, part):
    crowd(content, part)
    del content["annotations"][-1]["segmentation"]


COCO_KINDS = {
    "as it should be": lambda content, part: None,
    "ids from 0": from_zero,
    "no area": without("area"),
    "area 0": zero_area,
    "no iscrowd": without("iscrowd"),
    "one file under two ids": two_ids,
    "a category without boxes": category_zero,
    "categories in another order": backwards,
    "large ids": large_ids,
    "repeated annotations": repeated,
    "folders in file names": folder_in_name,
    "capital endings": capital_name,
    "run lengths": encoded(False),
    "compressed run lengths": encoded(True),
    "polygons and run lengths": mixed_masks,
    "some masks unusable": some_masks,
    "a crowd": crowd,
    "a crowd without a mask": crowd_without_mask,
}


@pytest.mark.parametrize("edit", COCO_KINDS.values(), ids=COCO_KINDS)
def test_coco(edit, tmp_path):
    coco(tmp_path / "set", edit)
    labels = prepared("coco", tmp_path / "set", tmp_path / "out")
    crowds = 1 if edit in (crowd, crowd_without_mask) else 0
    assert read(labels, "manifest")["boxes"] == {"train": 8 + crowds, "test": 6 + crowds}
    assert perfect(labels) == BOXES
    assert perfect(labels, "mask-rcnn-c4") == MASKS
    if not crowds:
        shift = 1 if edit is category_zero else 0
        assert seen(labels) == {(label + shift, name) for label, name in RIGHT}


def test_coco_beyond_the_border_is_clipped_and_counted(tmp_path):
    def edit(content, part):
        if part == "test":
            content["annotations"][1]["bbox"][2:] = [300, 300]

    labels = prepared("coco", coco(tmp_path / "set", edit), tmp_path / "out")
    x, y, *_ = drawn(0)[1][1]
    assert read(labels, "test")[0]["annotations"][1]["bbox"] == [x, y, *SIZE]
    assert remarks(labels) == [("test", 1, "boxes reach beyond their image: they are clipped")]
    assert perfect(labels, "mask-rcnn-c4") == MASKS
