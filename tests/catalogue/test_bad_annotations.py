"""VOC's XML and COCO's JSON that `prepare` refuses."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from PIL import Image

OBJECT = (
    "<object><name>{name}</name><bndbox><xmin>{xmin}</xmin><ymin>2</ymin><xmax>9</xmax>"
    "<ymax>9</ymax></bndbox></object>"
)
SIZE = "<size><width>{width}</width><height>12</height></size>"
BOMB = (
    '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "aaaaaaaaaaaaaaaa">'
    + "".join(f'<!ENTITY {b} "{f"&{a};" * 40}">' for a, b in zip("abcde", "bcdef", strict=True))
    + "]><annotation>&f;</annotation>"
)
OUTSIDE = (
    '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
    "<annotation>&a;</annotation>"
)


def xml(name: str = "cat", xmin: str = "2", width: str = "12") -> str:
    inner = SIZE.format(width=width) + OBJECT.format(name=name, xmin=xmin)
    return f"<annotation>{inner}</annotation>"


def voc(root: Path, annotation: str | bytes, listed: str = "1\n") -> None:
    """Two images, of which the second one's annotation is given."""
    year = root / "VOCdevkit" / "VOC2007"
    for folder in ("Annotations", "JPEGImages", "ImageSets/Main"):
        (year / folder).mkdir(parents=True)
    for number in (0, 1):
        Image.new("RGB", (12, 12)).save(year / "JPEGImages" / f"{number}.jpg")
        (year / "Annotations" / f"{number}.xml").write_text(xml())
    content = annotation if isinstance(annotation, bytes) else annotation.encode()
    (year / "Annotations" / "1.xml").write_bytes(content)
    (year / "ImageSets/Main/trainval.txt").write_text("0\n")
    (year / "ImageSets/Main/test.txt").write_text(listed)


VOC = {
    "cut off": ("<annotation><size>", r"1\.xml: it is not a VOC annotation \(no element found"),
    "empty": ("", r"1\.xml: it is not a VOC annotation \(no element found"),
    "bytes": (b"\xff\xfe\x00", r"1\.xml: it is not a VOC annotation"),
    "JSON": ('{"boxes": []}', r"1\.xml: it is not a VOC annotation \(not well-formed"),
    "another encoding": (
        b'<?xml version="1.0" encoding="none"?><a/>', r"1\.xml: it is not a VOC annotation",
    ),
    "entities without end": (BOMB, r"1\.xml: it is not a VOC annotation \(.*amplification"),
    "a file in an entity": (OUTSIDE, r"1\.xml: it is not a VOC annotation \(undefined entity"),
    "no size": ("<annotation></annotation>", r"1\.xml: it is not a VOC annotation"),
    "no width": (xml(width="0"), r"1\.xml: it is not a VOC annotation \(its size is 0x12"),
    "a width of words": (xml(width="twelve"), r"1\.xml: it is not a VOC annotation .*'twelve'"),
    "another width": (xml(width="13"), r"1\.jpg: it is 12x12, its annotation says 13x12"),
    "a corner of words": (xml(xmin="left"), r"1\.xml: it is not a VOC annotation .*'left'"),
    "a corner of NaN": (xml(xmin="nan"), r"an object called 'cat' with the box \[nan"),
    "an endless box": (xml(xmin="-inf"), r"an object called 'cat' with the box \[-inf"),
    "no name": (xml(name=""), r"an object called (''|None) with the box"),
    "an unknown class": (xml(name="zebra"), r"1\.jpg: class 'zebra' is not among: cat"),
}  # fmt: skip


@pytest.fixture
def prepared(tmp_path, refused):
    def run(kind: str) -> str:
        entry = {"kind": kind, "image_size": 0, "root": str(tmp_path / "root")}
        return refused("prepare", "own", {"data.own": entry, "prepare.own": {"data": "own"}})

    return run


@pytest.mark.parametrize(("annotation", "text"), VOC.values(), ids=VOC)
def test_voc(annotation, text, tmp_path, prepared):
    voc(tmp_path / "root", annotation)
    said = prepared("voc")
    assert re.search(text, said, re.DOTALL), said


LISTED = {
    "an image that is not there": ("7\n", r"Annotations/7\.xml: there is no such file"),
    "a path": ("../../../../etc/passwd\n", r"passwd\.xml: there is no such file"),
    "a name without end": ("1" * 5000 + "\n", r"/1{200}\.xml: there is no such file"),
    "nothing": ("\n", r"has 0 usable images for test"),
}


@pytest.mark.parametrize(("listed", "text"), LISTED.values(), ids=LISTED)
def test_lists_of_voc(listed, text, tmp_path, prepared):
    voc(tmp_path / "root", xml(), listed)
    said = prepared("voc")
    assert re.search(text, said, re.DOTALL), said


IMAGE = {"id": 1, "file_name": "1.jpg", "height": 12, "width": 12}
BOX = {"id": 1, "image_id": 1, "category_id": 3, "bbox": [1, 1, 5, 5]}
GOOD = {"images": [IMAGE], "annotations": [BOX], "categories": [{"id": 3, "name": "cat"}]}


def coco(root: Path, content: object) -> None:
    """One image in each part; the annotations of the test part are given."""
    (root / "annotations").mkdir(parents=True)
    for part, text in (("train", json.dumps(GOOD)), ("val", content)):
        (root / f"{part}2017").mkdir()
        Image.new("RGB", (12, 12)).save(root / f"{part}2017" / "1.jpg")
        text = text if isinstance(text, str) else json.dumps(text)
        (root / f"annotations/instances_{part}2017.json").write_text(text)


def image(**changes) -> dict:
    return {**GOOD, "images": [{**IMAGE, **changes}]}


def box(**changes) -> dict:
    return {**GOOD, "annotations": [{**BOX, **changes}]}


COCO = {
    "cut off": (json.dumps(GOOD)[:-9], r"instances_val2017\.json is not JSON"),
    "a list": ([], r"instances_val2017\.json has no 'categories'"),
    "no images": ({**GOOD, "images": {}}, r"images is not a list"),
    "a number for an image": ({**GOOD, "images": [1]}, r"images\[0\] is 1; a mapping"),
    "no file name": ({**GOOD, "images": [{"id": 1}]}, r"images\[0\] has no 'file_name'"),
    "a file elsewhere": (image(file_name="../../x.jpg"), r"x\.jpg.; a path below"),
    "a file from the root": (image(file_name="/etc/passwd"), r"file_name is '/etc/passwd'; a path"),
    "a file that is missing": (image(file_name="2.jpg"), r"2\.jpg: there is no such file"),
    "no height": (image(height=0), r"height is 0; pixels, a whole number from 1"),
    "another height": (image(height=13), r"1\.jpg: it is 12x12, its annotation says 12x13"),
    "a list for an id": (image(id=[1]), r"images\[0\]\.id is \[1\]; a whole number"),
    "three corners": (box(bbox=[1, 2, 3]), r"bbox is \[1, 2, 3\]; \[x, y, width, height\]"),
    "a corner of NaN": (box(bbox=[1, 2, 3, float("nan")]), r"bbox is \[1, 2, 3, nan\]"),
    "words for a box": (box(bbox="1 2 3 4"), r"bbox is '1 2 3 4'"),
    "words for a mask": (box(segmentation="all"), r"segmentation is 'all'; polygons or a run"),
    "half a crowd": (box(iscrowd=0.5), r"iscrowd is 0\.5; 0 or 1"),
    "an unknown category": (box(category_id=9), r"category_id 9 is not among"),
    "another image's box": (box(image_id=9), r"annotations of image 9, which it does not list"),
    "the same id twice": (
        {**GOOD, "annotations": [BOX, BOX]}, r"annotation id 1 occurs twice",
    ),
    "other categories": (
        {**GOOD, "categories": [{"id": 3, "name": "dog"}]}, r"categories of the two .* differ",
    ),
    "a category without a name": ({**GOOD, "categories": [{"id": 3}]}, r"has no 'name'"),
}  # fmt: skip


@pytest.mark.parametrize(("content", "text"), COCO.values(), ids=COCO)
def test_coco(content, text, tmp_path, prepared):
    coco(tmp_path / "root", content)
    said = prepared("coco")
    assert re.search(text, said, re.DOTALL), said
