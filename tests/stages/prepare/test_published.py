from __future__ import annotations

import dataclasses
import hashlib
import tarfile
import zipfile

import numpy as np
import pytest

from nassl.files import InputError
from nassl.settings import Data
from stages.prepare import published as module
from stages.prepare.published import PUBLISHED, published


def settings(root, kind="cifar10", **changes):
    side = 96 if kind == "stl10" else 32
    return Data(**{"kind": kind, "image_size": side, "root": str(root), **changes})


@pytest.fixture
def random():
    return np.random.default_rng(0)


def cifar(root, kind, random, count=4):
    """Files as the publisher lays them out, and the images and labels in them."""
    publication = PUBLISHED[kind]
    folder = root / publication.folder
    folder.mkdir(parents=True)
    classes = 10 if kind == "cifar10" else 100
    (folder / publication.names).write_text("".join(f"class{n}\n" for n in range(classes)) + "\n")
    known = {}
    for part, files in publication.parts.items():
        images = random.integers(0, 256, (count * len(files), 32, 32, 3), dtype=np.uint8)
        labels = random.integers(0, classes, count * len(files))
        for number, file in enumerate(files):
            content = bytearray()
            for image, label in list(zip(images, labels, strict=True))[number * count :][:count]:
                coarse = [7] if kind == "cifar100" else []
                content += bytes([*coarse, label]) + image.transpose(2, 0, 1).tobytes()
            (folder / file).write_bytes(content)
        known[part] = (images, labels)
    return folder, known


def stl(root, random):
    folder = root / "stl10_binary"
    folder.mkdir()
    (folder / "class_names.txt").write_text("".join(f"class{n}\n" for n in range(10)))
    known = {}
    for part, count in {"train": 3, "test": 2, "unlabeled": 5}.items():
        images = random.integers(0, 256, (count, 96, 96, 3), dtype=np.uint8)
        labels = random.integers(0, 10, count)
        (folder / f"{part}_X.bin").write_bytes(images.transpose(0, 3, 2, 1).tobytes())
        if part != "unlabeled":
            (folder / f"{part}_y.bin").write_bytes((labels + 1).astype(np.uint8).tobytes())
        known[part] = (images, None if part == "unlabeled" else labels)
    return folder, known


def check(prepared, known):
    assert set(prepared.parts) == set(known)
    for part, (images, labels) in known.items():
        assert (prepared.parts[part].pixels == images).all()
        if labels is None:
            assert prepared.parts[part].labels is None
        else:
            assert (prepared.parts[part].labels == labels).all()


@pytest.mark.parametrize("kind", ["cifar10", "cifar100"])
def test_cifar(tmp_path, random, kind):
    folder, known = cifar(tmp_path, kind, random)
    check(published(settings(tmp_path, kind)), known)
    prepared = published(settings(folder, kind))  # the folder itself is named
    check(prepared, known)
    assert prepared.classes[:2] == ["class0", "class1"]
    assert len(prepared.classes) == (10 if kind == "cifar10" else 100)


def test_stl10_with_its_unlabeled_part(tmp_path, random):
    _, known = stl(tmp_path, random)
    check(published(settings(tmp_path, "stl10")), known)
    small = published(settings(tmp_path, "stl10", image_size=32))
    assert small.parts["unlabeled"].pixels.shape == (5, 32, 32, 3)


def test_fewer_images_are_drawn_without_a_label(tmp_path, random):
    _, known = cifar(tmp_path, "cifar10", random)
    part = published(settings(tmp_path, train=6)).parts["train"]
    chosen = [int(np.flatnonzero((known["train"][0] == p).all((1, 2, 3)))[0]) for p in part.pixels]
    assert len(set(chosen)) == 6
    assert chosen != list(range(6))
    assert (part.labels == known["train"][1][chosen]).all()
    with pytest.raises(
        InputError, match=r"data\.unlabeled asks for 3 images of cifar10; there are 0"
    ):
        published(settings(tmp_path, unlabeled=3))


@pytest.fixture
def archive(tmp_path, random, monkeypatch):
    """An archive whose hash is the publisher's, by changing what the publisher's is."""
    folder, known = cifar(tmp_path / "made", "cifar10", random)
    root = tmp_path / "root"
    root.mkdir()
    path = root / "cifar-10-binary.tar.gz"
    with tarfile.open(path, "w:gz") as opened:
        opened.add(folder, folder.name)
    digest = hashlib.md5(path.read_bytes()).hexdigest()
    changed = dataclasses.replace(PUBLISHED["cifar10"], md5=digest)
    monkeypatch.setitem(module.PUBLISHED, "cifar10", changed)
    return path, known


def test_the_archive_is_read_in_place(archive):
    path, known = archive
    check(published(settings(path.parent)), known)
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_an_archive_with_another_hash_is_refused(archive):
    path, _ = archive
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(
        InputError, match=r"tar\.gz has the MD5 \w+, the publisher's is .* delete it"
    ):
        published(settings(path.parent))


def test_the_archive_itself_may_be_the_root(archive):
    path, known = archive
    found = published(settings(path))
    check(found, known)
    assert found.remarks.listed() == []
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(InputError, match=r"tar\.gz has the MD5 \w+, the publisher's is"):
        published(settings(path))


@pytest.mark.parametrize("kind", ["cifar10", "cifar100", "stl10"])
def test_a_zip_of_the_publishers_files(tmp_path, random, kind):
    folder, known = stl(tmp_path, random) if kind == "stl10" else cifar(tmp_path, kind, random)
    packed = tmp_path / "mine.zip"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as opened:
        for file in sorted(folder.iterdir()):
            opened.write(file, f"downloads/{file.name}")
    found = published(settings(packed, kind))
    check(found, known)
    assert found.remarks.lines() == [
        "all parts: 1 read from an archive whose hash the publisher does not give (first: mine.zip)"
    ]
    with zipfile.ZipFile(packed, "a") as opened:
        opened.write(next(folder.glob("*test*")), f"again/{next(folder.glob('*test*')).name}")
    with pytest.raises(
        InputError, match=r"mine\.zip holds \w+\.bin twice; pack one data set alone"
    ):
        published(settings(packed, kind))


def test_archives_of_something_else_are_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as opened:
        opened.writestr("cifar-10-batches-py/data_batch_1", b"")
    with pytest.raises(
        InputError, match=r"x\.zip lacks batches\.meta\.txt, .*; give the publisher's"
    ):
        published(settings(tmp_path / "x.zip"))
    (tmp_path / "y.zip").write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"y\.zip is broken, encrypted, or no zip or tar archive"):
        published(settings(tmp_path / "y.zip"))


def fake_download(monkeypatch, action):
    monkeypatch.setattr("torchvision.datasets.utils.download_url", action)


def test_download(archive, tmp_path, monkeypatch):
    path, known = archive
    content, asked = path.read_bytes(), []

    def download(url, root, filename, md5):
        asked.append((url, md5))
        (root / filename).write_bytes(content)

    path.unlink()
    fake_download(monkeypatch, download)
    check(published(settings(path.parent, download=True)), known)
    check(published(settings(path.parent, download=True)), known)  # found, not loaded again
    publication = module.PUBLISHED["cifar10"]
    assert asked == [(publication.url, publication.md5)]


def test_a_failed_download_leaves_nothing(archive, monkeypatch):
    path, _ = archive
    path.unlink()

    def download(url, root, filename, md5):
        (root / filename).write_bytes(b"half")
        raise RuntimeError("File not found or corrupted.")

    fake_download(monkeypatch, download)
    with pytest.raises(
        InputError, match=r"could not be downloaded: File not found or corrupted.*put"
    ):
        published(settings(path.parent, download=True))
    assert not list(path.parent.iterdir())


def test_what_is_missing_or_damaged_is_named(tmp_path, random):
    with pytest.raises(InputError, match=r"data\.root is empty"):
        published(settings(""))
    with pytest.raises(
        InputError, match=r"neither cifar-10-batches-bin/ nor cifar-10-binary\.tar\.gz;"
    ):
        published(settings(tmp_path))
    (tmp_path / "cifar-10-batches-py").mkdir()
    with pytest.raises(InputError, match="cifar-10-batches-py is there, but holds pickles"):
        published(settings(tmp_path))
    folder, _ = cifar(tmp_path, "cifar10", random)
    whole = (folder / "test_batch.bin").read_bytes()
    (folder / "test_batch.bin").write_bytes(whole[:-5])
    with pytest.raises(InputError, match=r"test_batch\.bin has \d+ bytes, .* truncated"):
        published(settings(tmp_path))
    (folder / "test_batch.bin").write_bytes(b"\xff" + whole[1:])
    with pytest.raises(
        InputError, match=r"cifar10 test: 4 images, 4 labels from \d to 255, 10 classes"
    ):
        published(settings(tmp_path))
    (folder / "test_batch.bin").unlink()
    with pytest.raises(InputError, match=r"lacks test_batch\.bin; unpack"):
        published(settings(tmp_path))
