"""Data that could be read in two ways, or wrongly, are refused, with advice on what to do."""

from __future__ import annotations

import pytest

from tests.stages.prepare.annotated_sets import (
    SIZE,
    coco,
    prepared,
    read,
    remarks,
    voc,
)
from tests.stages.prepare.refused import refused


def as_corners(content, part):
    for entry in content["annotations"]:
        x, y, width, height = entry["bbox"]
        entry["bbox"] = [x, y, x + width, y + height]


def as_corners_near_the_origin(content, part):
    """Small boxes that stay within the border even when they are misread."""
    for entry in content["annotations"]:
        del entry["segmentation"]
        entry["bbox"] = [2, 3, 8, 9]
    as_corners(content, part)
    content["annotations"][0]["bbox"] = [40, 40, 70, 70]


def relative(content, part):
    for entry in content["annotations"]:
        x, y, width, height = entry["bbox"]
        sides = SIZE * 2
        entry["bbox"] = [v / s for v, s in zip((x, y, width, height), sides, strict=True)]


def of_larger_images(content, part):
    for entry in content["annotations"]:
        entry["bbox"] = [4 * value for value in entry["bbox"]]


def turned_over(content, part):
    for entry in content["annotations"]:
        x, y, width, height = entry["bbox"]
        entry["bbox"] = [x + width, y + height, -width, -height]


def masks_of_corners(content, part):
    """Polygons say that the boxes, which all fit, are corners."""
    for entry in content["annotations"]:
        x, y = 3 + entry["id"] % 3, 4
        entry["bbox"] = [x, y, x + 20, y + 20]
        corners = (x, y, x + 20, y, x + 20, y + 20, x, y + 20)
        entry["segmentation"] = [list(corners)]


def by_centre(content, part):
    for entry in content["annotations"]:
        x, y, width, height = entry["bbox"]
        entry["bbox"] = [x + width / 2, y + height / 2, width, height]


COCO_BOXES = {
    "corners": (as_corners, r"4 of 8 boxes reach.*these look like corners, \[x0, y0, x1"),
    "corners, few beyond": (as_corners_near_the_origin, r"look like corners, \[x0, y0, x1, y1\]"),
    "corners, by their masks": (
        masks_of_corners, r"8 of 8 boxes with polygons do not enclose them.*look like corners",
    ),
    "relative": (relative, r"8 of 8 boxes .*look like relative coordinates"),
    "centres": (by_centre, r"8 of 8 boxes end elsewhere than .*boxes given by their centre"),
    "sides below 0": (turned_over, r"8 of 8 .*look like boxes with their corners exchanged"),
    "of larger images": (of_larger_images, r"boxes of images of another size: were the images res"),
}  # fmt: skip


@pytest.mark.parametrize(("edit", "text"), COCO_BOXES.values(), ids=COCO_BOXES)
@pytest.mark.parametrize("on_error", ["stop", "skip"])
def test_coco_boxes_in_another_notation(edit, text, on_error, tmp_path):
    said = refused("coco", coco(tmp_path / "set", edit), text, on_error=on_error)
    assert "instances_train2017.json: " in said
    assert "train2017/000.png: [" in said
    assert "expected in pixels, as [x, y, width, height]" in said


VOC_BOXES = {
    "sizes": (
        lambda b: (b[0], b[1], b[2] - b[0], b[3] - b[1]), r"these look like x, y, width, height",
    ),
    "exchanged corners": (
        lambda b: (b[2] + 25, b[3] + 30, b[0] + 25, b[1] + 30), r"with their corners exchanged",
    ),
    "relative": (
        lambda b: [v / s for v, s in zip(b, SIZE * 2, strict=True)], r"look like relative coord",
    ),
    "of larger images": (lambda b: [5 * v for v in b], r"boxes of images of another size"),
}  # fmt: skip


@pytest.mark.parametrize(("corners", "text"), VOC_BOXES.values(), ids=VOC_BOXES)
def test_voc_boxes_in_another_notation(corners, text, tmp_path):
    voc(tmp_path / "set", corners=corners)
    said = refused("voc", tmp_path / "set", text, on_error="skip")
    assert "of 8 boxes reach beyond their image or have no area in it, for example VOC2007/" in said


def test_voc_boxes_that_count_from_0_are_named(tmp_path):
    folder = voc(tmp_path / "set")
    file = folder / "Annotations/train0.xml"
    file.write_text(file.read_text().replace("<xmin>5<", "<xmin>0<"))
    labels = prepared("voc", tmp_path / "set", tmp_path / "out")
    text = "boxes begin at pixel 0: VOC counts from 1, all boxes may be a pixel off"
    assert remarks(labels) == [("train", 1, text)]
    assert read(labels, "train")[0]["annotations"][0]["bbox"][0] == 0


def test_a_relative_box_among_others_is_dropped_and_named(tmp_path, capsys):
    def edit(content, part):
        if part == "test":
            content["annotations"][0]["bbox"] = [0.1, 0.2, 0.3, 0.4]

    labels = prepared("coco", coco(tmp_path / "set", edit), tmp_path / "out")
    assert read(labels, "manifest")["dropped"] == [
        {"image": "val2017/000.png", "box": [0.1, 0.2, 0.3, 0.4], "annotation": 1, "name": "cat",
         "reason": "relative"},
    ]  # fmt: skip
    assert "000.png: box in fractions of the image's sides dropped: [0.1" in capsys.readouterr().err


@pytest.mark.parametrize(("part", "name"), [("train", "train2017"), ("test", "val2017")])
def test_a_part_without_boxes_is_refused(part, name, tmp_path):
    def edit(content, this):
        if this == part:
            content["annotations"] = [{**e, "iscrowd": 1} for e in content["annotations"][:1]]

    text = rf"has no box in \d images for {part} \(crowds and dropped boxes do not count\)"
    refused("coco", coco(tmp_path / "set", edit), text)
