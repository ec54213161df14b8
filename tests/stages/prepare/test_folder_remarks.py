"""Files that cannot be read, and what else a user has to know about a folder."""

from __future__ import annotations

import os
import shutil

import pytest
from PIL import Image

from nassl.data.images import class_names
from nassl.files import InputError
from stages.prepare.folders import folder
from tests.stages.prepare.image_folders import (
    FLAT,
    LABELLED,
    make,
    manifest,
    picture,
    prepared,
    settings,
)

# ---- files that cannot be read ----


@pytest.fixture
def damaged(tmp_path):
    raw = make(tmp_path / "raw", LABELLED)
    whole = (raw / "train/a/0.png").read_bytes()
    (raw / "train/a/short.png").write_bytes(whole[:60])
    (raw / "train/b/empty.jpg").write_bytes(b"")
    (raw / "train/b/text.gif").write_bytes(b"no image")
    os.symlink(raw / "nowhere.png", raw / "test" / "b" / "link.png")
    return raw


def test_a_bad_file_stops_and_is_named(damaged):
    with pytest.raises(
        InputError, match=r"\.(png|jpg|gif) cannot be read: .*; repair or remove it, or"
    ):
        folder(settings(damaged))


def test_bad_files_are_skipped_and_listed(damaged, tmp_path):
    out = prepared(damaged, tmp_path / "out", on_error="skip")
    assert manifest(out)["counts"] == {"train": 6, "test": 6}
    skipped = manifest(out)["skipped"]
    assert {entry["file"] for entry in skipped} == {
        "short.png",
        "empty.jpg",
        "text.gif",
        "link.png",
    }
    assert all(entry["reason"] for entry in skipped)
    assert "train/a/short.png" in {entry["path"] for entry in manifest(out, "labels")["skipped"]}


def test_nothing_readable(tmp_path):
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "a.png").write_bytes(b"")
    with pytest.raises(InputError, match="holds no readable image; 1 were skipped"):
        folder(settings(tmp_path / "raw", on_error="skip"))


def test_a_link_to_a_folder_above_ends(tmp_path):
    raw = make(tmp_path / "raw", ["a/0.png", "b/1.png"])
    os.symlink(raw, raw / "a" / "loop")
    assert len(folder(settings(raw)).parts["train"]) == 2


# ---- what the user has to know about the data ----


def remarks_of(out):
    return {entry["text"]: entry for entry in manifest(out, "labels")["remarks"]}


def test_what_is_left_out_is_printed_and_written(tmp_path, capsys):
    raw = make(tmp_path / "raw", [*LABELLED, "train/c/12.png", "val/a/13.png"])
    (raw / "train" / "a" / "x.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(20))
    (raw / "train" / "empty").mkdir()
    out = prepared(raw, tmp_path / "out")
    assert manifest(out)["not_used"] == {".heic (HEIC)": 1}
    said = capsys.readouterr().err
    for text in (
        "files are not used: 1 .heic (HEIC)",
        "folders have no image: train/empty",
        "of 3 classes have no test image: c",
        "images in val/ are not used, because there is test/",
    ):
        assert text in remarks_of(out)
        assert text in said


def test_test_images_that_are_also_trained_on_are_counted(tmp_path):
    raw = make(tmp_path / "raw", [*LABELLED, "unlabeled/12.png"])
    clean = prepared(raw, tmp_path / "clean")
    assert manifest(clean)["test_images_also_in"] == {"train": 0, "unlabeled": 0}
    shutil.copy(raw / "train/a/0.png", raw / "test/a/again.png")
    shutil.copy(raw / "train/a/0.png", raw / "test/b/and again.png")
    shutil.copy(raw / "test/b/1.png", raw / "unlabeled/1.png")
    out = prepared(raw, tmp_path / "out")
    assert manifest(out)["test_images_also_in"] == {"train": 2, "unlabeled": 1}
    assert "images are there under another class, too" in remarks_of(out)
    remark = remarks_of(out)["images are there under another class, too"]
    assert (remark["count"], remark["first"]) == (3, "test/a/again.png")
    flat = prepared(make(tmp_path / "flat", FLAT), tmp_path / "without test")
    assert manifest(flat)["test_images_also_in"] == {}


def test_files_of_several_pages_are_counted(tmp_path):
    raw = make(tmp_path / "raw", FLAT)
    pages = [Image.fromarray(picture(seed)) for seed in (20, 21)]
    pages[0].save(raw / "pages.tif", save_all=True, append_images=pages[1:])
    (text,) = remarks_of(prepared(raw, tmp_path / "out"))
    assert text == "files have several frames or pages, of which the first is used"


def test_a_class_folder_that_is_not_utf8(tmp_path):
    raw = make(tmp_path / "raw", ["a/0.png", "b/1.png"])
    os.rename(raw / "a", os.fsencode(raw) + b"/caf\xe9")
    out = prepared(raw, tmp_path / "out")
    assert class_names(out / "labels") == ["b", "caf\\xe9"]


def test_skipped_files_are_printed(damaged, tmp_path, capsys):
    prepared(damaged, tmp_path / "out", on_error="skip")
    assert "4 files cannot be read and are left out" in capsys.readouterr().err
