"""Mask R-CNN on data without masks is refused before any job starts, if the data are here."""

from __future__ import annotations

import json

import pytest

from nassl.settings import SettingsError
from stages.plan.__main__ import plan
from tests.stages.prepare.annotated_sets import coco

RLE = {"size": [80, 96], "counts": "PPYo0"}


def planned(root, *more):
    own = [f"+data.own={{kind: coco, root: '{root}'}}", "stand_ins.coco=own"]
    return plan(["scale=toy", "paper=[faunae]", "only=[faunae.table4]", *own, *more])


def with_masks(*masks):
    """`edit` of a set whose last test annotations have these masks, all others none."""

    def edit(content, part):
        for entry in content["annotations"]:
            del entry["segmentation"]
        if part == "train":
            content["annotations"][0]["segmentation"] = RLE
        for entry, mask in zip(content["annotations"][::-1], masks, strict=False):
            entry["segmentation"] = mask

    return edit


@pytest.mark.parametrize("masks", [(), ([], None), ([[1, 2, 3, 4]], [[5.5, 6, 7, 8]])])
def test_no_mask_in_a_part(masks, tmp_path):
    def edit(content, part):
        with_masks(*(masks if part == "test" else ()))(content, part)

    text = (
        r"^transfer/\S+: detection\.kind is 'mask-rcnn-c4', but no annotation of \S+/annotations/"
        r"instances_val2017\.json has a mask .*; take faster-rcnn-c4, or data with masks$"
    )
    with pytest.raises(SettingsError, match=text):
        planned(coco(tmp_path / "set", edit))


@pytest.mark.parametrize(
    "mask", [RLE, [[1, 2, 3.5, 4e1, 5, 60]], [[1, 2, 3, 4], [1, 2, 3, 4, 5, 6]]]
)
@pytest.mark.parametrize("indent", [None, 2])
def test_one_mask_is_enough(mask, indent, tmp_path):
    root = coco(tmp_path / "set", with_masks(mask))
    file = root / "annotations/instances_val2017.json"
    file.write_text(json.dumps(json.loads(file.read_text()), indent=indent))
    assert planned(root)["data"]["own"]["kind"] == "coco"


def test_boxes_alone_need_no_mask(tmp_path):
    root = coco(tmp_path / "set", with_masks())
    assert planned(root, "detection.coco-c4.kind=faster-rcnn-c4")


def test_what_cannot_be_looked_at_is_left_to_prepare(tmp_path):
    root = coco(tmp_path / "set", with_masks())
    assert planned(tmp_path / "elsewhere")
    for file in (root / "annotations").iterdir():
        file.write_text(file.read_text(), encoding="utf-16")
    assert planned(root)
