"""VOC's and COCO's layouts as read and checked: what is wrong is named, with the file it is in."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from PIL import Image

from nassl.files import InputError
from nassl.settings import DATASETS
from stages.prepare.__main__ import prepare
from stages.prepare.scene_files import write_coco, write_voc
from stages.prepare.scenes import CLASSES, scenes
from stages.runs.run import Run

SCENES = {"image_size": 96, "train": 40, "test": 24}


@pytest.fixture(scope="module")
def pristine(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("sets")
    write_voc(scenes(DATASETS["scenes-voc"]("scenes-voc", **SCENES), crowds=False), folder / "voc")
    write_coco(
        scenes(DATASETS["scenes-coco"]("scenes-coco", **SCENES), crowds=True), folder / "coco"
    )
    return folder


@pytest.fixture
def sets(pristine, tmp_path) -> Path:
    shutil.copytree(pristine, tmp_path / "sets")
    return tmp_path / "sets"


def prepared(kind: str, root: Path, **changes) -> Path:
    out = root.parent / "out"
    settings = DATASETS[kind](kind, root=str(root), **changes)
    prepare(Run("prepare", "x", None, {"data": settings}, None, ()), None, out)
    return out


def listed(out: Path, name: str) -> object:
    return json.loads((out / "labels" / f"{name}.json").read_text())


def coco_content(sets: Path, name: str = "val2017") -> tuple[Path, dict]:
    file = sets / "coco" / "annotations" / f"instances_{name}.json"
    return file, json.loads(file.read_text())


def test_voc_is_listed_as_it_lies_and_never_copied(sets):
    out = prepared("voc", sets / "voc")
    manifest = listed(out, "manifest")
    assert manifest["root"] == str((sets / "voc" / "VOCdevkit").resolve())
    assert manifest["images"] == {"train": 40, "test": 24}  # both years' trainval; 2007's test
    assert manifest["classes"] == sorted(CLASSES)
    assert manifest["year"] == 2007
    assert manifest["dropped"] == []
    train = listed(out, "train")
    assert {Path(image["file_name"]).parts[0] for image in train} == {"VOC2007", "VOC2012"}
    assert not list(out.rglob("*.jpg"))
    box = train[0]["annotations"][0]
    assert box["bbox"][0] == int(box["bbox"][0]) >= 0
    assert manifest["classes"][box["category_id"]] in CLASSES


def test_a_set_without_test_is_trained_on_train_and_tested_on_val(sets):
    shutil.rmtree(sets / "voc/VOCdevkit/VOC2012")
    lists = sets / "voc/VOCdevkit/VOC2007/ImageSets/Main"
    (lists / "test.txt").rename(lists / "val.txt")
    (lists / "trainval.txt").rename(lists / "train.txt")
    assert listed(prepared("voc", sets / "voc"), "manifest")["images"] == {"train": 20, "test": 24}


def test_class_files_name_the_classes(sets):
    lists = sets / "voc/VOCdevkit/VOC2007/ImageSets/Main"
    for name in [*CLASSES, "unseen"]:
        (lists / f"{name}_trainval.txt").write_text("")
    with pytest.raises(InputError, match=r"class 'unseen' has no box in the test images"):
        prepared("voc", sets / "voc")


def test_coco_keeps_polygons_crowds_and_ids(sets):
    out = prepared("coco", sets / "coco")
    manifest = listed(out, "manifest")
    assert manifest["classes"] == CLASSES
    assert manifest["category_ids"] == list(range(1, 1 + len(CLASSES)))
    assert manifest["truth"] == "annotations/instances_val2017.json"
    boxes = [box for image in listed(out, "test") for box in image["annotations"]]
    crowds = [box for box in boxes if box["iscrowd"]]
    assert len(crowds) == 1
    assert "counts" in crowds[0]["segmentation"]
    assert all(isinstance(b["segmentation"], list) for b in boxes if not b["iscrowd"])


def test_boxes_without_an_area_are_dropped_counted_and_named(sets, capsys):
    file = next((sets / "voc/VOCdevkit/VOC2007/Annotations").iterdir())
    text = file.read_text()
    degenerate = (
        "<object><name>warm disc</name><bndbox><xmin>50</xmin><ymin>40</ymin><xmax>50</xmax>"
        "<ymax>40</ymax></bndbox></object></annotation>"
    )
    file.write_text(text.replace("</annotation>", degenerate))
    coco, content = coco_content(sets)
    entry = content["annotations"][0]
    flat = {**entry, "id": 99999, "bbox": [3, 4, 0, 7]}
    outside = {**entry, "id": 99998, "bbox": [-20, -20, 10, 10]}
    content["annotations"] += [flat, outside]
    coco.write_text(json.dumps(content))
    before = len(listed(prepared("voc", sets / "voc"), "train"))
    dropped = listed(prepared("voc", sets / "voc"), "manifest")["dropped"]
    name = f"VOC2007/Annotations/{file.name}"
    assert dropped == [{"image": name, "box": [50, 40, 50, 40], "name": "warm disc"}]
    assert (
        f"{name}: box without an area dropped: [50.0, 40.0, 50.0, 40.0]" in capsys.readouterr().err
    )
    assert before == 40  # the image stays
    manifest = listed(prepared("coco", sets / "coco"), "manifest")
    assert [entry["annotation"] for entry in manifest["dropped"]] == [99999, 99998]


def break_voc(sets: Path, what: str) -> None:
    year = sets / "voc/VOCdevkit/VOC2007"
    image = (year / "ImageSets/Main/test.txt").read_text().split()[3]
    photo, file = year / f"JPEGImages/{image}.jpg", year / f"Annotations/{image}.xml"
    if what == "missing image":
        photo.unlink()
    elif what == "truncated image":
        photo.write_bytes(photo.read_bytes()[:900])
    elif what == "other size":
        Image.new("RGB", (33, 44)).save(photo)
    elif what == "unknown class":
        text = file.read_text()
        first = text.index("<name>") + 6
        file.write_text(text[:first] + "zebra" + text[text.index("</name>") :])
    elif what == "missing annotation":
        file.unlink()
    elif what == "broken annotation":
        file.write_text("<annotation><size>")


BROKEN = [
    ("missing image", r"VOC2007/JPEGImages/000024\.jpg: there is no such file"),
    ("truncated image", r"000024\.jpg: it cannot be read \(OSError: image file is truncated"),
    ("other size", r"000024\.jpg: it is 33x44, its annotation says \d+x\d+"),
    (
        "unknown class",
        r"000024\.jpg: class 'zebra' is not among: cool cross, cool disc, cool triangle",
    ),
    ("missing annotation", r"VOC2007/Annotations/000024\.xml: there is no such file"),
    ("broken annotation", r"000024\.xml: it is not a VOC annotation \(no element found"),
]


@pytest.mark.parametrize(("what", "text"), BROKEN, ids=[what for what, _ in BROKEN])
def test_problems_are_named_or_left_out(sets, what, text):
    break_voc(sets, what)
    with pytest.raises(InputError, match=text) as caught:
        prepared("voc", sets / "voc")
    assert "fix them, or leave these images out with data.on_error: skip" in str(caught.value)
    assert not (sets / "out" / "labels").exists()
    manifest = listed(prepared("voc", sets / "voc", on_error="skip"), "manifest")
    assert manifest["images"]["test"] == 23
    assert len(manifest["skipped"]) == 1


def test_coco_problems_are_named(sets):
    file, content = coco_content(sets)
    content["annotations"][0]["category_id"] = 77
    content["annotations"][1]["id"] = content["annotations"][2]["id"]
    content["annotations"][3]["image_id"] = 12345
    file.write_text(json.dumps(content))
    with pytest.raises(InputError) as caught:
        prepared("coco", sets / "coco")
    for text in ("category_id 77 is not among the categories of instances_val2017.json",
                 "occurs twice in instances_val2017.json",
                 "annotations of image 12345, which it does not list"):  # fmt: skip
        assert text in str(caught.value)


@pytest.mark.parametrize(("kind", "text"), [("voc", "is not in VOC's layout"),
                                            ("coco", "is not in COCO's layout")])  # fmt: skip
def test_a_folder_in_another_layout_is_refused(tmp_path, kind, text):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=text):
        prepared(kind, tmp_path / "empty")


def test_fewer_images_can_be_asked_for_but_not_more(sets):
    first = listed(prepared("coco", sets / "coco", train=5, test=8), "train")
    assert len(first) == 5
    assert first == listed(prepared("coco", sets / "coco", train=5, test=8), "train")
    with pytest.raises(InputError, match=r"has 24 usable images for test; data\.test asks for 25"):
        prepared("coco", sets / "coco", test=25)


def test_generated_scenes_are_read_like_any_set_and_lie_beside_the_lists(tmp_path):
    for kind, root in (("scenes-voc", "VOCdevkit"), ("scenes-coco", ".")):
        settings = DATASETS[kind](kind, image_size=96, train=20, test=30)
        out = tmp_path / kind
        prepare(Run("prepare", "x", None, {"data": settings}, None, ()), None, out)
        manifest = listed(out, "manifest")
        assert manifest["root"] == root
        assert len([name for name in manifest["files"] if name.endswith(".jpg")]) == 50
        image = listed(out, "train")[0]["file_name"]
        assert (out / "labels" / root / image).exists()
        assert json.loads((out / "images/manifest.json").read_text())["counts"]["test"] == 30
        assert (out / "no-labels/manifest.json").exists()
