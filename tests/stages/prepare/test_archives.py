"""Archives give what their folders give; what points outside, or is a bomb, is refused."""

from __future__ import annotations

import io
import tarfile
import zipfile

import numpy as np
import pytest
from PIL import Image

from nassl.files import InputError
from stages.layouts import files as files_module
from stages.prepare.folders import folder
from tests.stages.prepare.image_folders import (
    LABELLED,
    contents,
    make,
    manifest,
    packed,
    picture,
    prepared,
    settings,
)


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
