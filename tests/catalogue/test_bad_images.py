"""Image files, folders and archives that `prepare` refuses."""

from __future__ import annotations

import io
import pickle
import re
import struct
import tarfile
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stages.layouts import files as files_module


def png(shade: int = 0) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.full((8, 8, 3), shade, np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def huge_png(side: int = 60_000) -> bytes:
    """A valid PNG of a few kilobytes that claims 3.6 billion pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes(10_000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def folder(root: Path, **contents: bytes) -> None:
    """Two classes of four images, and `contents` by path (`train__a__x_png`)."""
    for number in range(8):
        path = root / "train" / "ab"[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(number))
    for name, content in contents.items():
        path = root / Path(*name.replace("_png", ".png").replace("_jpg", ".jpg").split("__"))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def jpeg(keep: float) -> bytes:
    buffer = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(buffer, "JPEG")
    return buffer.getvalue()[: int(keep * buffer.tell())]


def damaged_png() -> bytes:
    content = bytearray(png())
    content[45] ^= 0xFF
    return bytes(content)


FOLDERS = {
    "text called png": ({"train__a__x_png": b"hello"}, {}, r"x\.png cannot be read: .*not an im"),
    "empty file": ({"train__a__x_png": b""}, {}, r"x\.png cannot be read"),
    "truncated jpeg": ({"train__a__x_jpg": jpeg(0.5)}, {}, r"x\.jpg cannot be read: .*truncated"),
    "flipped byte": ({"train__a__x_png": damaged_png()}, {}, r"x\.png cannot be read"),
    "a bomb": ({"train__a__x_png": huge_png()}, {}, r"cannot be read: DecompressionBomb"),
    "beside class folders": ({"train__x_png": png()}, {}, r"lies beside class folders"),
    "in no part": ({"x_png": png()}, {}, r"x\.png is in none; allowed beside train/"),
    "an unknown class": ({"test__z__x_png": png()}, {}, r"test/ has the class 'z', which train/"),
    "classes in one part": ({"test__x_png": png()}, {}, r"train/ has class folders and test/ has"),
    "nothing readable in a class": (
        {"train__c__x_png": b"hello"}, {"on_error": "skip"},
        r"class 'c' has no training image left \(1 files were skipped\)",
    ),
    "too few": ({}, {"train": 100}, r"data\.train asks for 100 images of folder; there are 8"),
    "no pool": ({}, {"unlabeled": 1}, r"data\.unlabeled asks for 1 images"),
    "on_error": ({}, {"on_error": "ignore"}, r"on_error is 'ignore'; allowed: stop, skip"),
    "test_fraction": ({}, {"test_fraction": 1.0}, r"test_fraction is 1\.0; allowed: 0 to below 1"),
    "no root": ({}, {"root": ""}, r"data\.root is empty"),
    "missing root": ({}, {"root": "/nowhere"}, r"data\.root is '/nowhere', which does not exist"),
    "not ImageNet": ({}, {"kind": "imagenet"}, r"is not laid out as ImageNet"),
}  # fmt: skip


def settings(path: Path, **changes) -> dict:
    entry = {"kind": "folder", "image_size": 8, "root": str(path), **changes}
    return {"data.own": entry, "prepare.own": {"data": "own"}}


@pytest.mark.parametrize(("contents", "changes", "text"), FOLDERS.values(), ids=FOLDERS)
def test_folders(contents, changes, text, tmp_path, refused):
    folder(tmp_path / "root", **contents)
    said = refused("prepare", "own", settings(tmp_path / "root", **changes))
    assert re.search(text, said, re.DOTALL), said


def tar_with(member: tarfile.TarInfo, content: bytes = b"") -> bytes:
    buffer = io.BytesIO()
    member.size = len(content)
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def zip_with(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return buffer.getvalue()


def special(kind: bytes, target: str = "") -> bytes:
    member = tarfile.TarInfo("x.png")
    member.type, member.linkname = kind, target
    return tar_with(member)


def encrypted() -> bytes:
    content = bytearray(zip_with("x.png", png()))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + offset] |= 1
    return bytes(content)


OUTSIDE = r"which lies outside of the archive"
LINK = r"'x\.png', which is a link or a device"
ARCHIVES = {
    "zip that climbs": (zip_with("../../x.png", png()), OUTSIDE),
    "zip from the root": (zip_with("/etc/x.png", png()), OUTSIDE),
    "tar that climbs": (tar_with(tarfile.TarInfo("a/../../x.png"), png()), OUTSIDE),
    "tar from the root": (tar_with(tarfile.TarInfo("/x.png"), png()), OUTSIDE),
    "symbolic link": (special(tarfile.SYMTYPE, "/etc/passwd"), LINK),
    "hard link": (special(tarfile.LNKTYPE, "/etc/passwd"), LINK),
    "device": (special(tarfile.CHRTYPE), LINK),
    "pipe": (special(tarfile.FIFOTYPE), LINK),
    "a bomb": (zip_with("x.png", bytes(2**22)), r"unpacks to more than 1 MiB"),
    "truncated zip": (zip_with("x.png", png())[:60], r"neither a folder nor a whole zip or tar"),
    "encrypted": (encrypted(), r"x\.png cannot be read: .*broken.*encrypted"),
    "no image": (zip_with("readme.txt", b""), r"holds no image file \(1 others\)"),
    "no archive": (b"\x1f\x8bnot gzip", r"neither a folder nor a whole zip or tar archive"),
}


@pytest.mark.parametrize(("content", "text"), ARCHIVES.values(), ids=ARCHIVES)
def test_archives(content, text, tmp_path, refused, monkeypatch):
    monkeypatch.setattr(files_module, "LARGEST_FILE", 2**20)
    (tmp_path / "archive").write_bytes(content)
    said = refused("prepare", "own", settings(tmp_path / "archive"))
    assert re.search(text, said, re.DOTALL), said


class Harmful:
    """Would make a file where a pickle of it is loaded."""

    def __reduce__(self):
        return open, ("harmed", "w")


def pickled(root: Path) -> None:
    (root / "cifar-10-batches-py").mkdir()
    (root / "cifar-10-batches-py" / "data_batch_1").write_bytes(pickle.dumps(Harmful()))


def another_hash(root: Path) -> None:
    (root / "cifar-10-binary.tar.gz").write_bytes(b"not the publisher's")


def short(root: Path) -> None:
    binary = root / "cifar-10-batches-bin"
    binary.mkdir()
    (binary / "batches.meta.txt").write_text("".join(f"class{n}\n" for n in range(10)))
    for name in [*(f"data_batch_{n}.bin" for n in range(1, 6)), "test_batch.bin"]:
        (binary / name).write_bytes(bytes(3073 + 5))


def unknown_label(root: Path) -> None:
    short(root)
    for path in (root / "cifar-10-batches-bin").glob("*.bin"):
        path.write_bytes(bytes([200]) + bytes(3072))


PUBLISHED = {
    "pickles": (pickled, r"cifar-10-batches-py is there, but holds pickles, which are not loaded"),
    "another hash": (another_hash, r"has the MD5 [0-9a-f]{32}, the publisher's is c32a"),
    "cut off": (short, r"data_batch_1\.bin"),
    "an impossible label": (unknown_label, r"labels from 200 to 200, 10 classes"),
}


@pytest.mark.parametrize(("make", "text"), PUBLISHED.values(), ids=PUBLISHED)
def test_published_data(make, text, tmp_path, refused):
    (tmp_path / "root").mkdir()
    make(tmp_path / "root")
    said = refused("prepare", "own", settings(tmp_path / "root", kind="cifar10", image_size=32))
    assert re.search(text, said, re.DOTALL), said
