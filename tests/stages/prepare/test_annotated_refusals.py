"""Data that could be read in two ways, or wrongly, are refused, with advice on what to do."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from PIL import Image

from nassl.files import InputError
from tests.stages.prepare.annotated_sets import (
    SIZE,
    boxes,
    coco,
    prepared,
    read,
    remarks,
    save,
    scene,
    voc,
    voc_xml,
)


def refused(kind: str, root: Path, text: str, **changes) -> str:
    with pytest.raises(InputError) as caught:
        prepared(kind, root, root.parent / "out", **changes)
    said = str(caught.value)
    assert re.search(text, said, re.DOTALL), said
    assert not (root.parent / "out" / "labels").exists()
    return said


# ---------------------------------------------------------- which boxes ----


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


# ------------------------------------------------------------- identity ----


def same_image_id(content, part):
    content["images"][1]["id"] = 1


def one_id_two_names(content, part):
    content["categories"][1]["id"] = 1


def one_name_two_ids(content, part):
    content["categories"][1]["name"] = " cat\n"


def swapped_ids(content, part):
    if part == "test":
        content["categories"] = [{"id": 2, "name": "cat"}, {"id": 1, "name": "dog"}]


def other_id(content, part):
    if part == "test":
        content["categories"][1]["id"] = 3
        for entry in content["annotations"]:
            entry["category_id"] += entry["category_id"] == 2


def two_sizes(content, part):
    content["images"].append({**content["images"][0], "id": 50, "width": 50})


IDENTITY = {
    "an image's id twice": (same_image_id, r"the image id 1 belongs to 'train2017/000\.png' and to "
                            r"'train2017/001\.png'; give each an id of its own"),
    "one id, two names": (one_id_two_names, r"the category id 1 belongs to 'cat' and to 'dog'"),
    "one name, two ids": (one_name_two_ids, r"the category 'cat' has the ids 1 and 2; give it one"),
    "swapped ids": (swapped_ids, r"the id 2 is 'dog' in instances_train2017\.json and 'cat' in"),
    "another id": (other_id, r"'dog' has the id 2 in instances_train2017\.json and 3 in instances"),
    "two sizes": (two_sizes, r"instances_train2017\.json lists it twice, with two sizes"),
}  # fmt: skip


@pytest.mark.parametrize(("edit", "text"), IDENTITY.values(), ids=IDENTITY)
def test_coco_names_that_are_not_unique(edit, text, tmp_path):
    refused("coco", coco(tmp_path / "set", edit), text)


def test_a_broken_coco_file_is_the_users_own(tmp_path):
    file = coco(tmp_path / "set") / "annotations/instances_val2017.json"
    file.write_text(file.read_text()[:-9])
    said = refused("coco", tmp_path / "set", r"val2017\.json is not JSON: .*export it again")
    assert "delete" not in said


def test_voc_classes_that_differ_in_case_alone(tmp_path):
    folder = voc(tmp_path / "set")
    file = folder / "Annotations/train1.xml"
    file.write_text(file.read_text().replace(">cat<", "> Cat <"))
    refused("voc", tmp_path / "set", r"differ only in upper and lower case: 'Cat' \(1 boxes\), "
            r"'cat' \(6 boxes\); give them one spelling")  # fmt: skip


def test_voc_classes_that_differ_in_case_alone_but_have_files(tmp_path):
    folder = voc(tmp_path / "set", names=("a", "A"))
    for number, name in enumerate(("a", "A")):
        lines = "".join(f"train{i} {1 - 2 * number}\n" for i in range(4))
        (folder / f"ImageSets/Main/{name}_trainval.txt").write_text(lines)
    labels = prepared("voc", tmp_path / "set", tmp_path / "out")
    assert read(labels, "manifest")["classes"] == ["A", "a"]


def test_coco_classes_that_differ_in_case_alone_are_named(tmp_path):
    labels = prepared("coco", coco(tmp_path / "set", names=("Cat", "cat")), tmp_path / "out")
    text = "classes differ only in upper and lower case: Cat, cat"
    assert remarks(labels) == [("train", 2, text)]


# ------------------------------------------------------ which image, VOC ----


def test_a_stale_filename_does_not_bring_another_image(tmp_path):
    folder = voc(tmp_path / "set")
    file = folder / "Annotations/test1.xml"
    file.write_text(file.read_text().replace("test1.jpg", "test2.jpg"))
    labels = prepared("voc", tmp_path / "set", tmp_path / "out")
    assert [Path(image["file_name"]).name for image in read(labels, "test")] == [
        "test0.jpg", "test1.jpg", "test2.jpg",
    ]  # fmt: skip
    assert [(p, n) for p, n, text in remarks(labels) if "<filename>" in text] == [("test", 1)]


def test_an_image_that_only_another_annotation_owns(tmp_path):
    folder = voc(tmp_path / "set")
    file = folder / "Annotations/test1.xml"
    file.write_text(file.read_text().replace("test1.jpg", "test2.jpg"))
    (folder / "JPEGImages/test1.jpg").unlink()
    refused("voc", tmp_path / "set", r"Annotations/test1\.xml: there is no image JPEGImages/test1"
            r"\.\*, and its <filename>, 'test2\.jpg', is the image of Annotations/")  # fmt: skip


def test_two_images_of_one_name(tmp_path):
    folder = voc(tmp_path / "set")
    save(scene(1, "test"), folder / "JPEGImages/test1.png")
    labels = prepared("voc", tmp_path / "set", tmp_path / "out")  # <filename> tells
    assert read(labels, "test")[1]["file_name"] == "VOC2007/JPEGImages/test1.jpg"
    file = folder / "Annotations/test1.xml"
    file.write_text(file.read_text().replace("test1.jpg", "1.jpg"))
    (tmp_path / "again").mkdir()
    (tmp_path / "set").rename(tmp_path / "again/set")
    refused("voc", tmp_path / "again/set", r"Annotations/test1\.xml: it may be of any of JPEGImages"
            r"/test1\.jpg, test1\.png, and its <filename>, '1\.jpg', is none of them")  # fmt: skip


def test_two_annotations_of_one_image(tmp_path):
    folder = voc(tmp_path / "set")
    objects = [("cat", (1, 1, 20, 20)), ("dog", (30, 30, 60, 60))]
    (folder / "Annotations/other.xml").write_text(voc_xml(objects, "test1.jpg"))
    (folder / "Annotations/test1.xml").rename(folder / "Annotations/third.xml")
    (folder / "ImageSets/Main/test.txt").write_text("test0\nother\nthird\n")
    refused("voc", tmp_path / "set", r"JPEGImages/test1\.jpg: Annotations/other\.xml and third\.xml"
            r" both describe it")  # fmt: skip


LISTS = {
    "another image": ("test 1\n", r"Annotations/test 1\.xml: there is no such file; test\.txt"),
    "outside": ("../Annotations/test1\n", r"Annotations/\.\./Annotations/test1\.xml: there is no"),
    "zero bytes": ("test1\0\0\n", r"test\.txt is not text: it holds zero bytes; save it as UTF-8"),
}


@pytest.mark.parametrize(("lines", "text"), LISTS.values(), ids=LISTS)
def test_lists_are_read_as_they_are(lines, text, tmp_path):
    folder = voc(tmp_path / "set")
    (folder / "Annotations/test.xml").write_bytes((folder / "Annotations/test1.xml").read_bytes())
    (folder / "ImageSets/Main/test.txt").write_text(lines)
    refused("voc", tmp_path / "set", text)


# --------------------------------------------------------- which pixels ----


@pytest.mark.parametrize("orientation", [2, 3, 4])
def test_an_orientation_that_the_size_does_not_tell_is_named(orientation, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = orientation

    def store(image, path):
        save(image, path, exif=exif.tobytes())

    root = coco(tmp_path / "set", store=store, suffix="jpg")
    refused("coco", root, rf"val2017/002\.jpg: its EXIF orientation, {orientation}, turns it "
            r"without changing its size.*and no other image says; store it upright")  # fmt: skip


def test_images_that_contradict_each_other_are_named(tmp_path):
    def store(image, path):
        exif = Image.Exif()
        exif[0x0112] = {"000": 6, "001": 8}.get(path.stem, 3)
        stored = image if path.stem == "000" else image.transpose(Image.Transpose.ROTATE_90)
        save(stored if path.stem < "002" else image, path, exif=exif.tobytes())

    root = coco(tmp_path / "set", store=store, suffix="jpg")
    said = refused("coco", root, r"\d problems in 7 images")
    assert "train2017/002.jpg: its EXIF orientation, 3" in said
    assert "other images of the set say both" in said
    assert "000.jpg" not in said


def test_frames_that_are_not_used_are_named(tmp_path):
    def store(image, path):
        save(image, path, **({"save_all": True, "append_images": [image.rotate(90)]}
                             if path.parent.name == "val2017" else {}))  # fmt: skip

    labels = prepared("coco", coco(tmp_path / "set", store=store, suffix="tiff"), tmp_path / "out")
    text = "images have several frames or pages, of which the first is used"
    assert remarks(labels) == [("test", 3, text)]


def test_an_image_of_too_many_pixels_in_any_thread(tmp_path, monkeypatch):
    """Pillow alone only warns of it."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", SIZE[0] * SIZE[1] - 1)
    said = refused("coco", coco(tmp_path / "set"), "7 problems in 7 images")
    assert "000.png: it cannot be read (DecompressionBombWarning: " in said


def test_images_that_no_list_names_are_named(tmp_path):
    folder = voc(tmp_path / "voc")
    save(scene(0, "test"), folder / "JPEGImages/extra.png")
    (folder / "JPEGImages/extra.txt").write_text("")
    root = coco(tmp_path / "coco")
    save(scene(0, "test"), root / "val2017/sub/extra.JPG")
    voc_labels = prepared("voc", tmp_path / "voc", tmp_path / "out")
    text = "images of VOC2007/JPEGImages/ are in no list: they are not used"
    assert remarks(voc_labels) == [("all parts", 1, text)]
    coco_labels = prepared("coco", root, tmp_path / "out2")
    text = "image files of val2017/ are not listed in instances_val2017.json: they are not used"
    assert remarks(coco_labels) == [("test", 1, text)]


def test_more_boxes_than_a_detector_finds_are_named(tmp_path):
    def edit(content, part):
        first = content["annotations"][0]
        for number in range(99 if part == "test" else 0):
            box = [number % 50, number // 50, 20, 30]
            mask = {"segmentation": None, "bbox": box}
            content["annotations"].append({**first, **mask, "id": 100 + number})

    labels = prepared("coco", coco(tmp_path / "set", edit), tmp_path / "out")
    text = "images have more than 100 boxes: detectors find no more in an image"
    assert ("test", 1, text) in remarks(labels)


# ---------------------------------------------------------------- leaks ----


def test_test_images_that_are_trained_on_are_counted(tmp_path):
    def store(image, path):
        again = path.parent.name == "val2017" and path.stem == "001"
        save(scene(2, "train") if again else image, path)

    labels = prepared("coco", coco(tmp_path / "set", store=store), tmp_path / "out")
    images = json.loads((labels.parent / "images/manifest.json").read_text())
    assert images["test_images_also_in"] == {"train": 1}
    text = "images are in train as well, with the same bytes"
    assert remarks(labels) == [("test", 1, text)]
    assert read(labels, "manifest")["remarks"][0]["first"] == "val2017/001.png"


def test_images_that_both_lists_name_are_counted(tmp_path):
    folder = voc(tmp_path / "set")
    with (folder / "ImageSets/Main/test.txt").open("a") as file:
        file.write("train1\ntrain2\n")
    labels = prepared("voc", tmp_path / "set", tmp_path / "out")
    images = json.loads((labels.parent / "images/manifest.json").read_text())
    assert images["test_images_also_in"] == {"train": 2}


# -------------------------------------------------------- which classes ----


def test_classes_and_how_many_images_have_them(tmp_path):
    def edit(content, part):
        content["categories"].insert(0, {"id": 0, "name": "animals"})
        if part == "train":
            content["categories"].append({"id": 7, "name": "cow"})
            content["annotations"][0]["category_id"] = 7
        else:
            content["annotations"] = content["annotations"][:3]
            content["annotations"][0]["category_id"] = 9
            content["categories"].append({"id": 9, "name": "emu"})

    labels = prepared("coco", coco(tmp_path / "set", edit), tmp_path / "out")
    manifest = read(labels, "manifest")
    assert manifest["category_ids"] == [0, 1, 2, 7, 9]
    assert manifest["labels"] == {
        "train": {"animals": 0, "cat": 3, "dog": 4, "cow": 1, "emu": 0},
        "test": {"animals": 0, "cat": 1, "dog": 1, "cow": 0, "emu": 1},
    }
    assert remarks(labels) == [
        ("train", 2, "classes have no box here: animals, emu"),
        ("test", 2, "classes have no box here: animals, cow"),
    ]
    names = [manifest["classes"][box["category_id"]]
             for image in read(labels, "test") for box in image["annotations"]]  # fmt: skip
    assert names == ["emu", "dog", "cat"]


def test_masks_that_cannot_be_used_are_counted(tmp_path):
    def edit(content, part):
        if part == "train":
            content["annotations"][0]["segmentation"] = [[1, 2, 3, 4]]
            content["annotations"][1]["segmentation"] = {"size": list(SIZE), "counts": [5]}
            content["annotations"][2]["segmentation"] = [[60, 1, 90, 1, 90, 9]]
            content["annotations"][3]["segmentation"] = []
            del content["annotations"][4]["segmentation"]

    labels = prepared("coco", coco(tmp_path / "set", edit), tmp_path / "out")
    assert read(labels, "manifest")["masks"] == {"train": 3, "test": 6}
    assert boxes(1)[0][1][2] < 60  # the third box lies left of its polygon
    *unusable, bare = remarks(labels)
    assert bare == ("train", 2, "boxes have no mask, others have: they count as boxes alone")
    assert [text for _, _, text in unusable] == [
        f"boxes have no usable mask: {why}; they count as boxes alone"
        for why in (
            "there is no polygon of three points or more",
            "its run lengths are of another size than the image",
            "it lies outside of the box",
        )
    ]
