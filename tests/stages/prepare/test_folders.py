from __future__ import annotations

import io
import json
import os
import shutil
import tarfile
import zipfile

import numpy as np
import pytest
from PIL import Image

from nassl.data.images import class_names, open_images, open_labels, split
from nassl.files import InputError
from nassl.settings import Data
from stages.layouts import files as files_module
from stages.prepare import folders
from stages.prepare.folders import folder
from stages.prepare.write import write


def picture(seed, side=6):
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)


def make(root, paths):
    """One PNG per path; the image's number is its place in `paths`."""
    for seed, path in enumerate(paths):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture(seed)).save(root / path)
    return root


LABELLED = [
    f"{part}/{name}/{n}.png" for part in ("train", "test") for name in "ba" for n in range(3)
]
FLAT = [f"{n}.png" for n in range(10)]


def settings(root, **changes):
    return Data(**{"kind": "folder", "image_size": 6, "root": str(root), **changes})


def prepared(root, out, **changes):
    given = settings(root, **changes)
    write(folder(given), given, out)
    return out


def manifest(out, name="images"):
    return json.loads((out / name / "manifest.json").read_text())


def contents(out):
    return {path.name: path.read_bytes() for path in sorted((out / "images").iterdir())}


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


# ---- archives ----


def packed(raw, path):
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            for file in sorted(raw.rglob("*.png")):
                archive.write(file, f"top/{file.relative_to(raw)}")
    else:
        with tarfile.open(path, "w:gz" if path.suffix == ".tgz" else "w") as archive:
            archive.add(raw, "./top")
    return path


@pytest.mark.parametrize("name", ["images.zip", "images.tar", "images.tgz"])
def test_an_archive_gives_what_its_folder_gives(tmp_path, name):
    raw = make(tmp_path / "raw", LABELLED)
    of_folder = prepared(raw, tmp_path / "folder")
    of_archive = prepared(packed(raw, tmp_path / name), tmp_path / "archive")
    assert contents(of_folder) == contents(of_archive)
    for file in ("train.npy", "test.npy", "stratified.npy"):
        one, other = (out / "labels" / file for out in (of_folder, of_archive))
        assert one.read_bytes() == other.read_bytes()


@pytest.mark.parametrize("name", ["images.zip", "images.tar", "images.tgz"])
def test_a_truncated_archive_is_refused(tmp_path, name):
    path = packed(make(tmp_path / "raw", LABELLED), tmp_path / name)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    with pytest.raises(
        InputError, match=r"images\.\w+ (is neither a folder nor a whole|is broken)"
    ):
        folder(settings(path))


def test_a_damaged_member_is_named(tmp_path):
    path = packed(make(tmp_path / "raw", LABELLED), tmp_path / "images.zip")
    content = bytearray(path.read_bytes())
    content[content.index(b"IDAT") + 8] ^= 255
    path.write_bytes(content)
    with pytest.raises(
        InputError, match=r"\.png cannot be read: the archive's member is broken.*CRC"
    ):
        folder(settings(path))


@pytest.mark.parametrize("name", ["../outside.png", "/etc/outside.png", "a/../../outside.png"])
def test_members_that_point_outside_are_refused(tmp_path, name):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(name, b"")
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        archive.addfile(tarfile.TarInfo(name), io.BytesIO())
    for path in (tmp_path / "a.zip", tmp_path / "a.tar"):
        with pytest.raises(InputError, match=r"outside\.png', which lies outside of the archive"):
            folder(settings(path))


def test_links_in_an_archive_are_refused(tmp_path):
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        link = tarfile.TarInfo("link.png")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    with pytest.raises(InputError, match=r"'link\.png', which is a link or a device"):
        folder(settings(tmp_path / "a.tar"))


def test_bombs_in_an_archive_are_not_unpacked(tmp_path, monkeypatch):
    read, asked = zipfile.ZipExtFile.read, []
    monkeypatch.setattr(files_module, "LARGEST_FILE", 2**20)
    monkeypatch.setattr(
        zipfile.ZipExtFile, "read", lambda self, n=-1: asked.append(n) or read(self, n)
    )
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.png", bytes(2**21))
    message = r"bomb\.png cannot be read: it unpacks to more than 1 MiB"
    with pytest.raises(InputError, match=message):
        folder(settings(tmp_path / "a.zip"))
    assert asked == [2**20 + 1]


def test_an_archive_made_on_windows_gives_what_its_folder_gives(tmp_path):
    raw = make(tmp_path / "raw", [f"{name}/{n}.png" for name in ("cat", "dog") for n in range(3)])
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for file in sorted(raw.rglob("*")):
            name = str(file.relative_to(raw)).replace("/", "\\")
            info = zipfile.ZipInfo("x")  # whose constructor would change the name
            info.filename = f"pets\\{name}" + ("\\" if file.is_dir() else "")
            archive.writestr(info, b"" if file.is_dir() else file.read_bytes())
        info = zipfile.ZipInfo("x")
        info.filename = "pets\\bird\\"
        archive.writestr(info, b"")
    out = prepared(tmp_path / "a.zip", tmp_path / "out")
    assert contents(out) == contents(prepared(raw, tmp_path / "folder"))
    assert manifest(out, "labels")["labels"] == {"train": {"cat": 3, "dog": 3}}
    (remark,) = manifest(out, "labels")["remarks"]
    assert remark["text"] == "folders have no image: pets/bird"


@pytest.mark.parametrize("name", ["C:\\images\\x.png", "..\\x.png", "\\x.png"])
def test_windows_members_that_point_outside_are_refused(tmp_path, name):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        info = zipfile.ZipInfo("x")
        info.filename = name
        archive.writestr(info, b"")
    with pytest.raises(InputError, match=r"x\.png', which lies outside of the archive"):
        folder(settings(tmp_path / "a.zip"))


def test_of_two_members_of_one_name_the_later_counts(tmp_path):
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        buffer = io.BytesIO()
        Image.fromarray(picture(0)).save(buffer, "PNG")
        for content in (b"no image", buffer.getvalue()):
            info = tarfile.TarInfo("a/0.png")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    out = prepared(tmp_path / "a.tar", tmp_path / "out")
    assert (np.load(out / "images" / "train.npy") == picture(0)[None]).all()


@pytest.mark.parametrize("pack", [zipfile.ZipFile, tarfile.open])
def test_images_without_an_ending_are_read_from_archives(tmp_path, pack):
    make(tmp_path / "raw", ["0.png", "1.png"])
    (tmp_path / "raw" / "0.png").rename(tmp_path / "raw" / "zero")
    (tmp_path / "raw" / "README").write_text("text")
    with pack(tmp_path / "archive", "w") as archive:
        add = archive.write if pack is zipfile.ZipFile else archive.add
        for file in (tmp_path / "raw").iterdir():
            add(file, file.name)
    out = prepared(tmp_path / "archive", tmp_path / "out")
    assert manifest(out)["counts"] == {"train": 2}
    assert manifest(out)["not_used"] == {"no ending": 1}


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


# ---- large data ----


def test_large_data_are_indexed_not_copied(tmp_path, monkeypatch):
    raw = make(tmp_path / "raw", LABELLED)
    small = prepared(raw, tmp_path / "packed")
    monkeypatch.setattr(folders, "PACK_LIMIT", 12 * 6 * 6 * 3 - 1)
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
