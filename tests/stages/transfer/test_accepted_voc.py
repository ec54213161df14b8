"""For every notation of VOC that is accepted: a detector that finds what is listed has precision 1
with the real evaluators, and what is listed is what was annotated."""

from __future__ import annotations

import pytest

from tests.stages.prepare.annotated_sets import (
    SIZE,
    prepared,
    read,
    remarks,
    voc,
)
from tests.stages.prepare.annotated_sets import boxes as drawn
from tests.stages.transfer.perfect import perfect
from tests.stages.transfer.shown import ONE, RIGHT, seen

VOC = {"train": 8, "test": 6}


def spaces(root):
    voc(root, stem=lambda part, i: part if i == 0 else f"{part} ({i})")


def subfolders(root):
    voc(root, stem=lambda part, i: f"{part}/night {i}")


def marked(root, encoding, newline):
    lists = voc(root) / "ImageSets/Main"
    for file in lists.iterdir():
        file.write_bytes(file.read_text().replace("\n", newline).encode(encoding))


def xml_mark(root):
    for file in (voc(root) / "Annotations").iterdir():
        file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())


def two_years(root):
    """Both use the same names, and both have tests."""
    voc(root)
    voc(root, year=2012, first=4)


def capitals(root):
    folder = voc(root)
    for image in (folder / "JPEGImages").iterdir():
        image.rename(image.with_suffix(".JPG"))


def stale(root):
    """<filename> names another image of the set; also, the extensions are upper-case."""
    folder = voc(root)
    for file in (folder / "Annotations").iterdir():
        number = (int(file.stem[-1]) + 1) % (4 if "train" in file.stem else 3)
        text = file.read_text().replace(f"{file.stem}.jpg", f"{file.stem[:-1]}{number}.JPG")
        file.write_text(text)
    for image in (folder / "JPEGImages").iterdir():
        image.rename(image.with_suffix(".JPG"))


def renamed(root):
    """Annotations with names of their own, whose images only <filename> names."""
    folder = voc(root, lines=lambda part, stems: [f"note-{s}" for s in stems])
    for file in (folder / "Annotations").iterdir():
        file.rename(file.with_name(f"note-{file.name}"))


def listed_twice_in_the_file(root):
    for file in (voc(root) / "Annotations").iterdir():
        text = file.read_text()
        first = text[text.index("<object>") : text.index("</object>") + 9]
        file.write_text(text.replace("</annotation>", f"{first}</annotation>"))


def white_space(root):
    for file in list((voc(root) / "Annotations").iterdir())[::2]:
        file.write_text(file.read_text().replace(">cat<", ">\n\t\tcat\n\t<"))


def without_difficult(root):
    for file in (voc(root) / "Annotations").iterdir():
        file.write_text(file.read_text().replace("<difficult>0</difficult>", ""))


def class_flags(root):
    """The form of lists of a class: its images, and those without it."""
    voc(root, lines=lambda part, stems: [f"{s} {1 if i else -1:2d}" for i, s in enumerate(stems)])


VOC_KINDS = {
    "as it should be": voc,
    "names with spaces": spaces,
    "subfolders": subfolders,
    "a byte-order mark and CRLF": lambda root: marked(root, "utf-8-sig", "\r\n"),
    "UTF-16": lambda root: marked(root, "utf-16", "\r\n"),
    "UTF-16 without a mark": lambda root: marked(root, "utf-16-le", "\n"),
    "annotations with a byte-order mark": xml_mark,
    "lists of files": lambda root: voc(root, lines=lambda p, s: [f"{x}.jpg" for x in s]),
    "lists of paths": lambda root: voc(root, lines=lambda p, s: [f"JPEGImages/{x}.JPG" for x in s]),
    "backslashes": lambda root: voc(
        root, stem=lambda p, i: f"{p}/{i}", lines=lambda p, s: [x.replace("/", "\\") for x in s]
    ),
    "another case": lambda root: voc(root, lines=lambda p, s: [x.upper() for x in s]),
    "flags of a class": class_flags,
    "listed twice": lambda root: voc(root, lines=lambda p, s: [*s, *s[:2], f"{s[0]}.jpg"]),
    "names of dots": lambda root: voc(root, stem=lambda p, i: f"{p}.v1.{i}"),
    "letters of all kinds": lambda root: voc(
        root, names=("café", "狗"), stem=lambda p, i: f"{p} ü{i}"
    ),
    "classes that are invalid as file names": lambda root: voc(root, names=("N/A", "w/o {mask}|")),
    "white space around some classes": white_space,
    "capital endings": capitals,
    "stale file names": stale,
    "images named by filename alone": renamed,
    "boxes twice": listed_twice_in_the_file,
    "no difficult": without_difficult,
    "fractions of pixels": lambda root: voc(
        root, corners=lambda b: (b[0] + 0.4, b[1] + 0.4, b[2] - 0.4, b[3] - 0.4)
    ),
    "PNG": lambda root: voc(root, suffix="png"),
    "AVIF": lambda root: voc(root, suffix="avif"),
}


@pytest.mark.parametrize("make", VOC_KINDS.values(), ids=VOC_KINDS)
def test_voc(make, tmp_path):
    make(tmp_path / "set")
    labels = prepared("voc", tmp_path / "set", tmp_path / "out")
    assert read(labels, "manifest")["boxes"] == VOC
    assert perfect(labels) == ONE
    assert seen(labels) == RIGHT


def test_a_voc_box_twice_counts_once_and_as_the_easier_one(tmp_path):
    folder = voc(tmp_path / "set")
    file = folder / "Annotations/test1.xml"
    text = file.read_text()
    first = text[text.index("<object>") : text.index("</object>") + 9]
    hard = first.replace("<difficult>0<", "<difficult>1<")
    file.write_text(text.replace(first, hard + first))
    labels = prepared("voc", tmp_path / "set", tmp_path / "out")
    assert [box["difficult"] for box in read(labels, "test")[1]["annotations"]] == [0, 0]
    text = "boxes are listed twice in their image, with the same class: they count once"
    assert remarks(labels) == [("test", 1, text)]


def test_voc_years_that_count_alike(tmp_path):
    two_years(tmp_path / "set")
    labels = prepared("voc", tmp_path / "set", tmp_path / "out")
    assert read(labels, "manifest")["boxes"] == {"train": 16, "test": 12}
    assert [image["image_id"] for image in read(labels, "test")] == [
        f"VOC{year}/test{index}" for year in (2007, 2012) for index in range(3)
    ]
    assert perfect(labels) == ONE
    assert seen(labels) == RIGHT


def test_voc_beyond_the_border_is_clipped_and_counted(tmp_path):
    folder = voc(tmp_path / "set")
    text = (folder / "Annotations/test1.xml").read_text()
    label, (x0, y0, x1, y1) = drawn(1)[1]
    for old, new in ((f"<xmax>{x1}<", "<xmax>300<"), (f"<ymax>{y1}<", "<ymax>300<")):
        assert old in text
        text = text.replace(old, new)
    (folder / "Annotations/test1.xml").write_text(text)
    labels = prepared("voc", tmp_path / "set", tmp_path / "out")
    assert read(labels, "test")[1]["annotations"][label]["bbox"] == [x0, y0, *SIZE]
    assert remarks(labels) == [("test", 1, "boxes reach beyond their image: they are clipped")]
    assert perfect(labels) == ONE
