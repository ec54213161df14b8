"""Which part and which class an image is of: folders as people name them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from nassl.files import InputError
from nassl.image_files.walk import Found
from stages.layouts.folders import arrange, remark_on_classes
from stages.layouts.remarks import Remarks
from stages.layouts.splits import split_of, splits_of

ROOT = Path("/data/own")


def laid_out(*paths, **more):
    layout = arrange(Found(list(paths), **more), ROOT)
    counts = {part: dict(names) for part, names in layout.counts().items()}
    return layout.classes, counts


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ("train", "test"),
        ("Training", "Test"),
        ("training", "Testing"),
        ("TRAIN", "VAL"),
        ("Train", "valid"),
        ("training", "validation"),
        ("training_set", "test_set"),
        ("Training Set", "Test Set"),
        ("TrainImages", "TestImages"),
        ("train2017", "val2017"),
        ("train_data", "eval"),
        ("trainset", "testset"),
        (" train", "test "),
        ("1-train", "2-test"),
        ("seg_train", "seg_test"),
        ("pets-train", "pets-valid"),
    ],
)
def test_parts_in_usual_spellings(train, test):
    classes, counts = laid_out(*(f"{part}/{c}/0.png" for part in (train, test) for c in "ab"))
    assert classes == ["a", "b"]
    assert counts == {"train": {"a": 1, "b": 1}, "test": {"a": 1, "b": 1}}


@pytest.mark.parametrize(
    "name", ["cat", "steam_train", "test tube", "station", "trained", "contest", "value", "images"]
)
def test_other_names_are_not_parts(name):
    assert split_of(name) is None
    assert splits_of([name, "other"]) == {}
    assert laid_out(f"{name}/0.png", "other/1.png")[0] == sorted([name, "other"])


@pytest.mark.parametrize("name", ["Unlabelled", "unlabeled_images"])
def test_a_pool_without_labels(name):
    classes, counts = laid_out(
        "train/a/0.png", "train/b/0.png", f"{name}/x/y/1.png", f"{name}/2.png"
    )
    assert classes == ["a", "b"]
    assert sum(counts["unlabeled"].values()) == 2


@pytest.mark.parametrize(
    "above", ["pets", "a/b", "data/pets"], ids=["one", "two", "named like a filling"]
)
def test_a_root_that_is_too_high(above):
    expected = laid_out("train/a/0.png", "train/b/0.png", "test/a/0.png")
    assert laid_out(
        *(f"{above}/{p}" for p in ("train/a/0.png", "train/b/0.png", "test/a/0.png"))
    ) == (expected)
    assert laid_out(f"{above}/a/0.png", f"{above}/b/1.png")[0] == ["a", "b"]
    assert laid_out(f"{above}/0.png", f"{above}/1.png") == (None, {"train": {None: 2}})


@pytest.mark.parametrize(
    "paths",
    [
        ["seg_train/seg_train/a/0.png", "seg_train/seg_train/b/0.png", "seg_test/seg_test/a/0.png"],
        ["train/images/a/0.png", "train/images/b/0.png", "test/images/a/0.png"],
        ["Training/train/a/0.png", "Training/train/b/0.png", "Test/a/0.png"],
    ],
)
def test_single_folders_inside_parts_are_skipped(paths):
    classes, counts = laid_out(*paths)
    assert classes == ["a", "b"]
    assert counts == {"train": {"a": 1, "b": 1}, "test": {"a": 1}}


def test_a_single_class_is_not_a_label():
    assert laid_out("train/images/0.png", "val/images/1.png") == (
        None,
        {"train": {None: 1}, "test": {None: 1}},
    )
    assert laid_out("cat/0.png", "cat/1.png")[0] is None


@pytest.mark.parametrize("name", ["unlabeled", "Unlabelled images", "unsupervised"])
def test_class_folders_beside_unlabeled_images(name):
    paths = ["cat/0.png", f"{name}/1.png", "dog/x/2.png", f"{name}/test/3.png", "dog/4.png"]
    for above in ("", "photos/"):
        classes, counts = laid_out(*(above + path for path in paths))
        assert classes == ["cat", "dog"]
        assert counts == {"train": {"cat": 1, "dog": 2}, "unlabeled": {None: 2}}


def test_one_folder_beside_unlabeled_images_is_no_class():
    classes, counts = laid_out("photos/0.png", "unlabeled/1.png")
    assert (classes, counts) == (None, {"train": {None: 1}, "unlabeled": {None: 1}})
    classes, counts = laid_out("photos/a/0.png", "unlabeled/1.png", "photos/b/2.png")
    assert (classes, counts) == (["a", "b"], {"train": {"a": 1, "b": 1}, "unlabeled": {None: 1}})


@pytest.mark.parametrize(
    ("paths", "text"),
    [
        (["a/0.png", "b/1.png", "2.png", "unlabeled/3.png"], r"2\.png lies beside class folders"),
        (["0.png", "unlabeled/3.png"], r"has the parts unlabeled, and 0\.png is in none"),
        (["a/0.png", "unlabeled/1.png", "Unlabelled/2.png"], r"two folders for the part unlabeled"),
        (["a/0.png", "b/train/1.png", "unlabeled/2.png"], r"the folder b/train/ is named like a"),
    ],
)
def test_what_is_unclear_beside_unlabeled_images_is_refused(paths, text):
    with pytest.raises(InputError, match=text):
        laid_out(*paths)


@pytest.mark.parametrize(
    ("paths", "text"),
    [
        (
            ["cat/0.png", "Test/1.png", "dog/2.png"],
            r"own has the parts Test, and cat/0\.png is in none; allowed beside train/: test/, val/"
            r", unlabeled/\. If Test/ is a class, not a part, put all class folders into a folder "
            r"train/: train/Test/",
        ),
        (["bus/0.png", "train/1.png", "car/2.png"], r"has the parts train, and bus/0\.png is in"),
        (
            ["train/a/0.png", "Training/a/1.png"],
            r"has two folders for the part train: Training/ and train/; put their images into one",
        ),
        (["val/a/0.png", "train/a/1.png", "Valid/a/2.png"], r"two folders for the part val"),
        (
            ["cat/train/0.png", "dog/train/1.png", "cat/test/2.png"],
            r"the folder cat/train/ is named like a part, but lies in cat/\. If cat is a class, "
            r"put parts above classes, as train/cat/",
        ),
        (
            ["data/train/a/0.png", "docs/figure.png"],
            r"data/train/ is named like a part, .* lie there, set data\.root to /data/own/data",
        ),
        (["pets/v1/Testing/a/0.png", "docs/figure.png"], r"the folder pets/v1/Testing/ is named"),
        (
            ["train/train/a/0.png", "train/val/a/0.png", "test/a/0.png"],
            r"own/train holds the folders train, val, which are named like parts, not classes",
        ),
        (["Testing/a/0.png"], r"has test images but no train/"),
        ([" /0.png", "a/1.png"], r"has a class folder called ' '; give it a name"),
    ],
)
def test_ambiguous_layouts_are_refused(paths, text):
    with pytest.raises(InputError, match=text):
        laid_out(*paths)


def test_a_class_may_be_called_train_inside_of_train():
    paths = [f"{part}/{name}/0.png" for part in ("train", "test") for name in ("bus", "train")]
    assert laid_out(*paths)[0] == ["bus", "train"]


def test_class_names_are_stripped_and_written_in_one_way():
    composed, decomposed = "caf\u00e9", "cafe\u0301"
    layout = arrange(
        Found(
            [
                f"train/{composed}/0.png",
                "train/ b/0.png",
                f"test/{decomposed}/0.png",
                "test/b/1.png",
            ]
        ),
        ROOT,
    )
    assert layout.classes == ["b", composed]
    assert layout.counts()["test"] == Counter({composed: 1, "b": 1})
    assert {(entry["first"], entry["text"]) for entry in layout.remarks.listed()} == {
        ("b", "class folders of one name are one class: ' b' and 'b'"),
        (composed, f"class folders of one name are one class: '{decomposed}' and '{composed}'"),
    }


def test_class_names_that_are_not_utf8_can_be_written():
    layout = arrange(Found(["caf\udce9/0.png", "b/1.png"]), ROOT)
    assert layout.classes == ["b", "caf\\xe9"]
    assert layout.places[0] == ("train", "caf\\xe9")


def test_classes_that_differ_in_case_only_are_named():
    layout = arrange(Found(["Cat/0.png", "cat/1.png", "dog/2.png"]), ROOT)
    assert layout.classes == ["Cat", "cat", "dog"]
    (remark,) = layout.remarks.listed()
    assert remark["text"] == "classes differ in case only: Cat and cat"


def test_unused_val_images_are_named():
    layout = arrange(
        Found(["train/a/0.png", "train/b/0.png", "Test/a/1.png", "val/a/2.png", "val/a/3.png"]),
        ROOT,
    )
    assert layout.places[-1] is None
    (remark,) = layout.remarks.listed()
    assert remark["count"] == 2
    assert remark["text"] == "images in val/ are not used, because there is Test/"


def test_what_else_lies_there_is_named_by_kind_and_number():
    found = Found(["a/0.png", "b/1.png"], empty=["c", "d"])
    for _ in range(3):
        found.count(found.others, ".heic (HEIC)", "a/x.heic")
    found.count(found.others, ".txt", "notes.txt")
    found.count(found.by_content, "no ending (JPEG)", "a/web")
    texts = {entry["text"]: entry for entry in arrange(found, ROOT).remarks.listed()}
    assert set(texts) == {
        "folders have no image: c, d",
        "files are not used: 3 .heic (HEIC), 1 .txt",
        "files are images by their content, whatever their name: 1 no ending (JPEG)",
    }
    assert texts["files are not used: 3 .heic (HEIC), 1 .txt"]["count"] == 4
    assert texts["files are not used: 3 .heic (HEIC), 1 .txt"]["first"] == "a/x.heic"


def test_classes_without_a_test_image_are_named():
    remarks = Remarks()
    remark_on_classes(
        {"train": {"a": 1, "b": 1, "c": 1}, "test": {"b": 2}}, ["a", "b", "c"], remarks
    )
    (remark,) = remarks.listed()
    assert (remark["count"], remark["text"]) == (2, "of 3 classes have no test image: a, c")
    for counts in ({"train": {"a": 1}}, {"train": {"a": 1}, "test": {"a": 1}}):
        remarks = Remarks()
        remark_on_classes(counts, ["a"], remarks)
        assert not remarks.listed()
