"""Which image, and which pixels, an annotation means."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from tests.stages.prepare.annotated_sets import (
    SIZE,
    coco,
    prepared,
    read,
    remarks,
    save,
    scene,
    voc,
    voc_xml,
)
from tests.stages.prepare.refused import refused

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
