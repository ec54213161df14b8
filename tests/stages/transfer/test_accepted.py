"""For everything that is accepted from users: a detector that finds what is listed has precision 1
with the real evaluators, and what is listed is what was annotated."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from pycocotools import mask as run_lengths

from stages.transfer.data import register
from stages.transfer.mapper import read_picture
from tests.stages.prepare.annotated_sets import (
    COLOURS,
    SIZE,
    coco,
    prepared,
    read,
    remarks,
    save,
    voc,
)
from tests.stages.prepare.annotated_sets import boxes as drawn
from tests.stages.transfer.perfect import perfect

ONE = {"AP": 1.0, "AP50": 1.0, "AP75": 1.0}
BOXES = {f"{name}_box": value for name, value in ONE.items()}
MASKS = BOXES | {f"{name}_mask": value for name, value in ONE.items()}
VOC = {"train": 8, "test": 6}


def seen(labels) -> set[tuple[int, str]]:
    """(class index, colour) of all that is listed: which colour most of a box's pixels have, in
    the image as the detector is given it."""
    data = register(labels, f"seen-{abs(hash(str(labels)))}")
    found = set()
    for image in data.train_images() + data.test_images():
        pixels = np.asarray(read_picture(image)).astype(int)
        for box in image["annotations"]:
            x0, y0, x1, y1 = map(round, box["bbox"])
            colour = pixels[y0 + 2 : y1 - 2, x0 + 2 : x1 - 2].reshape(-1, 3).mean(0)
            near = [np.abs(colour - wanted).max() < 30 for wanted in COLOURS]
            name = ("red", "green")[near.index(True)] if any(near) else "noise"
            found.add((box["category_id"], name))
    return found


RIGHT = {(0, "red"), (1, "green")}


# ------------------------------------------------------------------- VOC ----


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


# ------------------------------------------------------------------ COCO ----


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


# -------------------------------------------------------------- pixels ----


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
