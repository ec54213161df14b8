"""What is an image below a folder, and what is counted as something else."""

from __future__ import annotations

import io
import os

import pytest
from PIL import Image

from nassl.files import InputError
from nassl.image_files.kinds import ending, hidden
from nassl.image_files.walk import HIDDEN, in_words, listing, walk


def content(kind="PNG"):
    buffer = io.BytesIO()
    Image.new("RGB", (4, 4)).save(buffer, kind)
    return buffer.getvalue()


def put(root, *paths, data=b""):
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "AVIF", "JPEG2000"])
@pytest.mark.parametrize("name", ["web", "photo.jpg_large", "image.jpg!d", "IMG.HEIC", "x.2023"])
def test_images_under_any_name(tmp_path, name, kind):
    put(tmp_path, f"a/{name}", data=content(kind))
    found = walk(tmp_path)
    assert found.paths == [f"a/{name}"]
    assert sum(found.by_content.values()) == 1
    assert not found.others


def test_names_are_not_doubted(tmp_path):
    put(tmp_path, "a.jpg", "b.AVIF", "c.jp2", "d.J2K")  # broken ones are found when they are read
    assert walk(tmp_path).paths == ["a.jpg", "b.AVIF", "c.jp2", "d.J2K"]


def test_other_files_are_counted_by_kind(tmp_path):
    put(tmp_path, "a/1.heic", "a/2.HEIC", data=b"\0\0\0\x18ftypheic" + bytes(20))
    put(tmp_path, "a/3", data=b"\xff\x0a")
    put(tmp_path, "notes.txt", "a/README", "a/0.png", data=b"text")
    put(tmp_path, ".hidden/1.png", "a/.2.png", "__MACOSX/a/3.png", "a/@eaDir/0.png/THUMB.jpg")
    os.mkfifo(tmp_path / "pipe.png")
    found = walk(tmp_path)
    assert found.paths == ["a/0.png"]
    assert found.others == {
        ".heic (HEIC)": 2,
        "no ending (JPEG XL)": 1,
        "no ending": 1,
        ".txt": 1,
        HIDDEN: 4,
        "no file": 1,
    }
    assert found.first[".heic (HEIC)"] == "a/1.heic"
    assert (
        in_words(found.others, 2) == "4 hidden or of the system, 2 .heic (HEIC), 4 of other kinds"
    )


def test_folders_without_an_image_are_named(tmp_path):
    put(tmp_path, "cat/0.png", "bird/notes.txt", "dog/x/y/1.png")
    (tmp_path / "fish" / "deep").mkdir(parents=True)
    (tmp_path / ".cache" / "x").mkdir(parents=True)
    assert walk(tmp_path).empty == ["bird", "fish"]


def test_two_links_to_one_folder_are_two_folders(tmp_path):
    put(tmp_path / "store", "0.png", "1.png")
    root = tmp_path / "root"
    root.mkdir()
    for name in ("cat", "dog"):
        os.symlink(tmp_path / "store", root / name)
    assert walk(root).paths == ["cat/0.png", "cat/1.png", "dog/0.png", "dog/1.png"]


def test_links_to_a_folder_above_end(tmp_path):
    put(tmp_path, "a/0.png", "b/1.png")
    os.symlink(tmp_path, tmp_path / "a" / "up")
    os.symlink(tmp_path / "a", tmp_path / "b" / "side")
    os.symlink(tmp_path / "b", tmp_path / "a" / "back")
    assert walk(tmp_path).paths == ["a/0.png", "a/back/1.png", "b/1.png", "b/side/0.png"]


def test_a_link_to_itself_is_a_file_that_cannot_be_read(tmp_path):
    put(tmp_path, "a/0.png")
    for name in ("loop", "loop.png"):
        os.symlink(name, tmp_path / name)
    found = walk(tmp_path)
    assert found.paths == ["loop.png", "a/0.png"]
    assert found.others == {"no ending": 1}


def test_a_folder_that_cannot_be_opened_is_refused(tmp_path, monkeypatch):
    put(tmp_path, "a/0.png", "b/1.png")
    scandir = os.scandir

    def closed(path):
        if str(path).endswith("/b"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", closed)
    with pytest.raises(InputError, match=r"/b cannot be opened \(Permission denied\); make"):
        walk(tmp_path)


def test_listings_differ_by_any_path():
    whole = listing(["a/0.png", "b/1.png"])
    assert listing(["b/1.png", "a/0.png"]) == whole
    for other in (
        ["a/0.png"],
        ["a/0.png", "a/1.png"],
        ["a/0.png", "b/1.png", "c"],
        ["a/0.pngb/1.png"],
    ):
        assert listing(other) != whole


@pytest.mark.parametrize(
    ("path", "expected"),
    [("a/B.JPG", ".jpg"), ("a.b/c", ""), ("a/.png", ""), ("a/b.", ""), ("x.tar.gz", ".gz")],
)
def test_endings(path, expected):
    assert ending(path) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a/b.png", False),
        ("a.b/c.d.png", False),
        ("../a.png", False),
        ("a/../b.png", False),
        (".a/b.png", True),
        ("a/.b.png", True),
        ("x/@eaDir/b.png", True),
        ("x/not@eaDir/b.png", False),
    ],
)
def test_hidden(path, expected):
    assert hidden(path) == expected
