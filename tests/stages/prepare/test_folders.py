from __future__ import annotations

import shutil

import numpy as np
import pytest

from nassl.data.images import class_names, open_images, open_labels, split
from nassl.files import InputError
from nassl.settings.datasets import folders as limits
from stages.prepare.folders import folder
from tests.stages.prepare.image_folders import (
    FLAT,
    LABELLED,
    contents,
    make,
    manifest,
    packed,
    picture,
    prepared,
    settings,
)

# ---- layouts ----


def test_parts_with_class_folders(tmp_path):
    out = prepared(make(tmp_path / "raw", LABELLED), tmp_path / "out")
    assert manifest(out)["counts"] == {"train": 6, "test": 6}
    assert class_names(out / "labels") == ["a", "b"]
    assert manifest(out, "labels")["labels"]["train"] == {"a": 3, "b": 3}
    for part in ("train", "test"):
        images, labels = open_images(out / "images", part), open_labels(out / "labels", part)
        for index in range(6):
            pixels = images.batch([index])[0].permute(1, 2, 0).numpy()
            (seed,) = [seed for seed in range(12) if (picture(seed) == pixels).all()]
            assert LABELLED[seed].split("/")[:2] == [part, "ab"[labels[index]]]


def test_flat_folder_has_no_labels_and_a_drawn_test_part(tmp_path):
    out = prepared(make(tmp_path / "raw", FLAT), tmp_path / "out", test_fraction=0.3)
    assert manifest(out)["counts"] == {"train": 7, "test": 3}
    assert manifest(out, "labels")["labels"] is None
    with pytest.raises(InputError, match="holds no labels"):
        open_labels(out / "labels", "train")
    whole = prepared(tmp_path / "raw", tmp_path / "whole")
    assert manifest(whole)["counts"] == {"train": 10}
    both = np.concatenate([np.load(out / "images" / f"{part}.npy") for part in ("train", "test")])
    everything = np.load(whole / "images" / "train.npy")
    assert sorted(image.tobytes() for image in both) == sorted(i.tobytes() for i in everything)
    other = prepared(tmp_path / "raw", tmp_path / "other", test_fraction=0.3, seed=1)
    assert contents(other)["test.npy"] != contents(out)["test.npy"]


def test_class_folders_without_parts(tmp_path):
    raw = make(tmp_path / "raw", ["cat/x/1.png", "cat/2.png", "dog/1.png"])
    out = prepared(raw, tmp_path / "out")
    assert class_names(out / "labels") == ["cat", "dog"]
    assert sorted(open_labels(out / "labels", "train").tolist()) == [0, 0, 1]


def test_unlabeled_part_and_val_for_test(tmp_path):
    paths = ["train/a/0.png", "train/b/1.png", "val/a/2.png", "unlabeled/any/where/3.png"]
    out = prepared(make(tmp_path / "raw", [*paths, "unlabeled/4.png"]), tmp_path / "out")
    assert manifest(out)["counts"] == {"train": 2, "test": 1, "unlabeled": 2}
    assert len(open_images(out / "images", "label-free")) == 2
    assert sorted(path.name for path in (out / "labels").glob("*.npy")) == [
        "stratified.npy",
        "test.npy",
        "train.npy",
    ]


def test_class_folders_beside_unlabeled_images(tmp_path):
    """The pool has all images but those of the drawn test part; labels are of the others alone."""
    paths = [f"{name}/{number}.png" for name in ("cat", "dog") for number in range(10)]
    raw = make(tmp_path / "raw", [*paths, *(f"unlabeled/{number}.png" for number in range(7))])
    both = {"test_fraction": 0.2, "unlabeled_with_train": True}
    out = prepared(raw, tmp_path / "out", **both)
    assert manifest(out)["counts"] == {"train": 16, "test": 4, "unlabeled": 23}
    pixels = {
        part: {row.tobytes() for row in np.load(out / "images" / f"{part}.npy")}
        for part in ("train", "test", "unlabeled")
    }
    assert pixels["train"] < pixels["unlabeled"]
    assert not pixels["test"] & pixels["unlabeled"]
    assert len(open_images(out / "images", "label-free")) == 23
    assert len(open_labels(out / "labels", "train")) == 16
    assert not (out / "labels" / "unlabeled.npy").exists()
    (remark,) = manifest(out, "labels")["remarks"]
    assert (remark["count"], remark["text"]) == (
        16, "images are in unlabeled, too: search and pretraining use all images",
    )  # fmt: skip
    alone = prepared(raw, tmp_path / "alone", test_fraction=0.2)
    assert manifest(alone)["counts"] == {"train": 16, "test": 4, "unlabeled": 7}


def test_images_that_a_file_lists_are_left_out(tmp_path):
    raw, listing = make(tmp_path / "raw", FLAT), tmp_path / "test.txt"
    listing.write_text("0\n\n 3.png \n")
    out = prepared(raw, tmp_path / "out", without=str(listing))
    assert manifest(out)["counts"] == {"train": 8}
    assert manifest(out)["ignored"] == 0
    there = {pixels.tobytes() for pixels in np.load(out / "images" / "train.npy")}
    assert [n for n in range(10) if picture(n).tobytes() not in there] == [0, 3]
    (remark,) = manifest(out, "labels")["remarks"]
    assert (remark["count"], remark["text"]) == (2, "images are left out: test.txt names them")
    listing.write_text("0\nx\n")
    with pytest.raises(InputError, match=r"names 'x' \(1 of 2 names\): there is no such image"):
        prepared(raw, tmp_path / "out", without=str(listing))
    with pytest.raises(InputError, match=r"without is '.*gone', which cannot be read: "):
        prepared(raw, tmp_path / "out", without=str(tmp_path / "gone"))


def test_only_unlabeled(tmp_path):
    out = prepared(make(tmp_path / "raw", ["unlabeled/0.png", "unlabeled/1.png"]), tmp_path / "out")
    assert manifest(out)["counts"] == {"unlabeled": 2}
    assert len(split(out / "images", 0.5)[1]) == 1


def test_val_beside_test_and_other_files_are_counted_as_ignored(tmp_path):
    raw = make(tmp_path / "raw", [*LABELLED, "val/a/9.png"])
    (raw / "readme.txt").write_text("text")
    (raw / "train" / "a" / ".hidden.png").write_text("text")
    out = prepared(raw, tmp_path / "out")
    assert manifest(out)["counts"] == {"train": 6, "test": 6}
    assert manifest(out)["ignored"] == 3


@pytest.mark.parametrize(
    ("paths", "message"),
    [
        (["a/0.png", "1.png"], r"1\.png lies beside class folders \(a/, \.\.\.\); move it"),
        (["train/a/0.png", "b/1.png"], r"parts train, and b/1\.png is in none; allowed beside"),
        (["train/a/0.png", "1.png"], r"1\.png is in none"),
        (["train/a/0.png", "test/1.png"], r"train/ has class folders and test/ has none"),
        (["train/0.png", "test/a/1.png"], r"test/ has class folders and train/ has none"),
        (["train/a/0.png", "test/b/1.png"], r"test/ has the class 'b', which train/ lacks; .*: a"),
        (["unlabeled/0.png", "test/1.png"], r"has test images but no train/"),
    ],
)
def test_other_layouts_are_refused(tmp_path, paths, message):
    with pytest.raises(InputError, match=message):
        folder(settings(make(tmp_path / "raw", paths)))


def test_unusable_settings_are_refused(tmp_path):
    raw = make(tmp_path / "raw", FLAT)
    for changes, message in [
        ({"root": ""}, r"data\.root is empty"),
        ({"root": str(tmp_path / "none")}, r"none', which does not exist"),
        ({"on_error": "hide"}, r"on_error is 'hide'; allowed: stop, skip"),
        ({"test_fraction": 1.0}, r"test_fraction is 1\.0; allowed: 0 to below 1"),
        ({"test_fraction": 0.01}, r"0\.01 of 10 images is 0; choose"),
        ({"train": 11}, r"data\.train asks for 11 images of folder; there are 10"),
        ({"test": 1}, r"data\.test asks for 1 images of folder; there are 0"),
        ({"kind": "imagenet"}, r"not laid out as ImageNet.*train/<wnid>/.*found: 0\.png"),
    ]:
        with pytest.raises(InputError, match=message):
            folder(settings(**{"root": raw, **changes}))
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "a.txt").write_text("")
    with pytest.raises(InputError, match=r"holds no image file \(1 others\); supported: \.jpg"):
        folder(settings(tmp_path / "empty"))


# ---- no label changes an image ----


def test_moving_images_between_class_folders_changes_no_byte_of_images(tmp_path):
    first = make(tmp_path / "raw", [f"{'abc'[n % 3]}/{n}.png" for n in range(12)])
    second = make(tmp_path / "moved", [f"{'abc'[n * n % 3]}/{n}.png" for n in range(12)])
    limits = {"test_fraction": 0.3, "train": 6}
    ours, moved = (prepared(raw, tmp_path / f"{raw.name}-out", **limits) for raw in (first, second))
    assert contents(ours) == contents(moved)
    assert (ours / "labels" / "train.npy").read_bytes() != (
        moved / "labels" / "train.npy"
    ).read_bytes()
    assert len(np.load(ours / "images" / "train.npy")) == 6


def test_the_same_folder_gives_the_same_bytes(tmp_path):
    raw = make(tmp_path / "raw", LABELLED)
    first = contents(prepared(raw, tmp_path / "first"))
    assert contents(prepared(raw, tmp_path / "second")) == first


# ---- large data ----


def test_large_data_are_indexed_not_copied(tmp_path, monkeypatch):
    raw = make(tmp_path / "raw", LABELLED)
    small = prepared(raw, tmp_path / "packed")
    monkeypatch.setattr(limits, "PACK_LIMIT", 12 * 6 * 6 * 3 - 1)
    large = prepared(raw, tmp_path / "indexed")
    assert manifest(small)["format"] == "packed"
    assert manifest(large)["format"] == "indexed"
    assert manifest(large)["mean"] == pytest.approx(manifest(small)["mean"], abs=1e-9)
    assert manifest(large)["std"] == pytest.approx(manifest(small)["std"], abs=1e-9)
    assert not list((large / "images").glob("t*.npy"))
    for part in ("train", "test"):
        one, other = (open_images(out / "images", part) for out in (small, large))
        assert (one.batch(range(6)) == other.batch(range(6))).all()
    for name in ("train.npy", "stratified.npy"):
        assert (small / "labels" / name).read_bytes() == (large / "labels" / name).read_bytes()
    with pytest.raises(InputError, match=r"12 images, 0\.0 GiB at 6 pixels, too many to pack"):
        folder(settings(packed(raw, tmp_path / "images.zip")))


def test_imagenet_is_always_indexed(tmp_path):
    raw = make(tmp_path / "raw", [path.replace("test/", "val/") for path in LABELLED])
    out = prepared(raw, tmp_path / "out", kind="imagenet")
    assert manifest(out)["format"] == "indexed"
    assert manifest(out)["counts"] == {"train": 6, "test": 6}
    assert len(open_labels(out / "labels", "test")) == 6


# ---- writing ----


def test_a_failure_leaves_the_former_result(tmp_path, monkeypatch):
    raw = make(tmp_path / "raw", LABELLED)
    out = prepared(raw, tmp_path / "out")
    before = contents(out)
    shutil.rmtree(raw / "test")

    def full(*_args, **_options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("stages.prepare.write.stratified_order", full)
    with pytest.raises(
        InputError, match=r"out cannot be written: No space left on device; nothing"
    ):
        prepared(raw, out)
    assert contents(out) == before
    assert sorted(path.name for path in out.iterdir()) == ["images", "labels", "no-labels"]


def test_writing_again_replaces_everything(tmp_path):
    out = prepared(make(tmp_path / "raw", LABELLED), tmp_path / "out")
    prepared(make(tmp_path / "flat", FLAT), out)
    assert manifest(out)["counts"] == {"train": 10}
    assert not list((out / "labels").glob("*.npy"))
    assert manifest(out, "no-labels")["labels"] is None
    assert manifest(out, "no-labels")["files"] == {}


def test_the_manifest_has_the_hash_of_every_file(tmp_path):
    import hashlib

    out = prepared(make(tmp_path / "raw", LABELLED), tmp_path / "out")
    for name in ("images", "labels"):
        hashes = manifest(out, name)["files"]
        assert set(hashes) == {path.name for path in (out / name).glob("*.npy")}
        for file, digest in hashes.items():
            assert hashlib.sha256((out / name / file).read_bytes()).hexdigest() == digest


# ---- some of the classes ----

FIVE = [f"{part}/n{c}/{n}.png" for part in ("train", "val") for c in range(5) for n in range(2)]


def test_only_the_listed_classes_are_read(tmp_path):
    root = make(tmp_path / "data", FIVE)
    (root / "train/n0/0.png").write_bytes(b"not an image: of a class that is not asked for")
    out = prepared(root, tmp_path / "out", kind="imagenet", classes=["n3", "n1"])
    assert class_names(out / "labels") == ["n1", "n3"]
    images, labels = open_images(out / "images", "train"), open_labels(out / "labels", "train")
    assert len(images) == len(labels) == 4
    where = [FIVE.index(path) for path in (out / "images/train.txt").read_text().split()]
    assert {FIVE[place].split("/")[1] for place in where} == {"n1", "n3"}
    for row, place in enumerate(where):
        assert np.array_equal(images.batch([row])[0].permute(1, 2, 0), picture(place))
        assert int(labels[row]) == ["n1", "n3"].index(FIVE[place].split("/")[1])


def test_without_a_list_classes_are_drawn_with_the_seed(tmp_path):
    root = make(tmp_path / "data", FIVE)
    drawn = [
        class_names(
            prepared(root, tmp_path / str(n), kind="imagenet", class_count=2, seed=seed) / "labels"
        )
        for n, seed in enumerate((0, 0, 1, 2, 3))
    ]
    assert drawn[0] == drawn[1]
    assert len({tuple(names) for names in drawn}) > 1
    assert all(len(names) == 2 and names == sorted(names) for names in drawn)


def test_classes_that_are_not_there_are_named(tmp_path):
    root = make(tmp_path / "data", FIVE)
    with pytest.raises(InputError, match=r"data\.classes has 'n7' \(1 of 2 .* 5 classes: n0, n1"):
        folder(settings(root, classes=["n1", "n7"]))
    with pytest.raises(InputError, match=r"data\.class_count is 6; .* has 5 classes"):
        folder(settings(root, class_count=6))
