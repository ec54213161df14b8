"""CIFAR-10, CIFAR-100 and STL-10 from their publishers' binary files.

The binary versions are used, not the Python ones that torchvision downloads: those are pickles.
"""

from __future__ import annotations

import hashlib
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from nassl.files import InputError
from nassl.image_files.decode import resized
from nassl.settings import Data
from stages.layouts.files import BROKEN, UNSUPPORTED
from stages.layouts.remarks import Remarks
from stages.prepare.parts import Part, Prepared


@dataclass(frozen=True)
class Publication:
    """Where a data set comes from and how its files are laid out.

    `parts`: files of images per part, and of labels where those are separate. A record of CIFAR is
    `label_bytes` bytes, of which the last is the (fine) label, then red, green and blue planes.
    """

    url: str
    md5: str  # of the archive
    folder: str  # that the archive unpacks to
    names: str  # file of class names
    side: int
    parts: dict[str, tuple[str, ...]]
    label_files: dict[str, str]
    label_bytes: int
    pickled: str = ""  # the folder of the Python version


PUBLISHED = {
    "cifar10": Publication(
        url="https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
        md5="c32a1d4ab5d03f1284b67883e8d87530",
        folder="cifar-10-batches-bin",
        names="batches.meta.txt",
        side=32,
        parts={
            "train": tuple(f"data_batch_{number}.bin" for number in range(1, 6)),
            "test": ("test_batch.bin",),
        },
        label_files={},
        label_bytes=1,
        pickled="cifar-10-batches-py",
    ),
    "cifar100": Publication(
        url="https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz",
        md5="03b5dce01913d631647c71ecec9e9cb8",
        folder="cifar-100-binary",
        names="fine_label_names.txt",
        side=32,
        parts={"train": ("train.bin",), "test": ("test.bin",)},
        label_files={},
        label_bytes=2,
        pickled="cifar-100-python",
    ),
    "stl10": Publication(
        url="http://ai.stanford.edu/~acoates/stl10/stl10_binary.tar.gz",
        md5="91f7769df0f17e558f3565bffb0c7dfb",
        folder="stl10_binary",
        names="class_names.txt",
        side=96,
        parts={
            "train": ("train_X.bin",),
            "test": ("test_X.bin",),
            "unlabeled": ("unlabeled_X.bin",),
        },
        label_files={"train": "train_y.bin", "test": "test_y.bin"},
        label_bytes=0,
    ),
}


def published(settings: Data) -> Prepared:
    """Reads the data set `settings.kind` under `settings.root`: its folder if it is unpacked there,
    else its archive, which is read in place after its hash was checked, and downloaded before if
    `settings.download`. The root may also be an archive itself, tar or zip, that holds the files.

    STL-10's 100,000 unlabeled images take 3 GB of memory when they are read from the archive.
    Raises InputError if nothing is found, or if it is not what the publisher made.
    """
    publication = PUBLISHED[settings.kind]
    if not settings.root:
        raise InputError("data.root is empty; set it to the folder that holds the data set")
    files = _open(publication, settings)
    remarks = Remarks()
    if Path(settings.root).is_file() and not _is_publishers(publication, Path(settings.root)):
        name = Path(settings.root).name
        remarks.add(
            "all parts", "read from an archive whose hash the publisher does not give", name
        )
    names = bytes(files[publication.names]).decode().split()
    parts = {}
    for part, image_files in publication.parts.items():
        pixels, labels = [], []
        for file in image_files:
            records = _records(files[file], publication, file)
            if publication.label_bytes:
                labels.append(records[:, publication.label_bytes - 1])
            planes = records[:, publication.label_bytes :]
            pixels.append(planes.reshape(-1, 3, publication.side, publication.side))
        pixels = pixels[0] if len(pixels) == 1 else np.concatenate(pixels)
        if separate := publication.label_files.get(part):
            # STL-10: planes are stored column by column, labels begin at 1.
            known = np.asarray(files[separate]).astype(np.int64) - 1
        elif publication.label_bytes:
            known = np.concatenate(labels).astype(np.int64)
        else:
            known = None
        order = (0, 2, 3, 1) if publication.label_bytes else (0, 3, 2, 1)
        pixels = pixels.transpose(order)
        if known is not None:
            _check_labels(known, len(pixels), len(names), settings, part)
        parts[part] = Part(resized(pixels, settings.image_size), known)
    return Prepared(parts, names, remarks=remarks).limited(settings)


def _records(content: np.ndarray, publication: Publication, file: str) -> np.ndarray:
    length = publication.label_bytes + 3 * publication.side**2
    if len(content) == 0 or len(content) % length:
        raise InputError(
            f"{file} has {len(content)} bytes, which is not a multiple of {length}; it is "
            "truncated: unpack or download it again"
        )
    return content.reshape(-1, length)


def _check_labels(labels: np.ndarray, images: int, classes: int, settings: Data, part: str) -> None:
    if len(labels) != images or labels.min() < 0 or labels.max() >= classes:
        raise InputError(
            f"{settings.kind} {part}: {images} images, {len(labels)} labels from {labels.min()} to "
            f"{labels.max()}, {classes} classes; these files do not belong together"
        )


def _open(publication: Publication, settings: Data) -> dict[str, np.ndarray]:
    """Bytes (n,) of every file that is needed, by name."""
    root = Path(settings.root)
    wanted = [publication.names, *publication.label_files.values()]
    wanted += [file for files in publication.parts.values() for file in files]
    if root.is_file():
        if _is_publishers(publication, root):
            _check_hash(publication, root)
        return _members(root, wanted)
    for folder in (root / publication.folder, root):
        if (folder / publication.names).is_file():
            if missing := [file for file in wanted if not (folder / file).is_file()]:
                raise InputError(f"{folder} lacks {', '.join(missing)}; unpack the archive again")
            return {file: np.memmap(folder / file, np.uint8, "r") for file in wanted}
    archive = root / publication.url.rsplit("/", 1)[1]
    if not archive.exists():
        if not settings.download:
            hint = ""
            if publication.pickled and (root / publication.pickled).exists():
                hint = f"; {publication.pickled} is there, but holds pickles, which are not loaded"
            raise InputError(
                f"{root} has neither {publication.folder}/ nor {archive.name}{hint}; put one there "
                "(the binary version), or set data.download to true"
            )
        _download(publication, archive)
    _check_hash(publication, archive)
    return _members(archive, wanted)


def _is_publishers(publication: Publication, archive: Path) -> bool:
    return archive.name == publication.url.rsplit("/", 1)[1]


def _download(publication: Publication, archive: Path) -> None:
    from torchvision.datasets.utils import download_url

    # Beside its place, renamed when its hash is right: an interrupted download leaves no archive.
    partial = archive.with_name(archive.name + ".partial")
    try:
        download_url(publication.url, archive.parent, partial.name, publication.md5)
    except (OSError, RuntimeError) as error:
        partial.unlink(missing_ok=True)
        raise InputError(
            f"{publication.url} could not be downloaded: {error}; try again, or put the file at "
            f"{archive}"
        ) from error
    partial.rename(archive)


def _check_hash(publication: Publication, archive: Path) -> None:
    with archive.open("rb") as file:
        found = hashlib.file_digest(file, "md5").hexdigest()
    if found != publication.md5:
        raise InputError(
            f"{archive} has the MD5 {found}, the publisher's is {publication.md5}; delete it and "
            "download it again"
        )


def _members(archive: Path, wanted: list[str]) -> dict[str, np.ndarray]:
    members: dict[str, np.ndarray] = {}

    def take(path: str, read: Callable[[], bytes]) -> None:
        name = PurePosixPath(path.replace("\\", "/")).name
        if name in wanted and "__MACOSX" not in path:
            if name in members:
                raise InputError(f"{archive} holds {name} twice; pack one data set alone")
            members[name] = np.frombuffer(read(), np.uint8)

    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as opened:
                for member in opened.infolist():
                    take(member.filename, lambda member=member: opened.read(member))
        else:
            with tarfile.open(archive) as opened:
                for member in opened:
                    if member.isfile():
                        take(member.name, lambda member=member: opened.extractfile(member).read())
    except (*BROKEN, *UNSUPPORTED) as error:
        raise InputError(
            f"{archive} is broken, encrypted, or no zip or tar archive ({error}); give the release "
            "as a folder, or as its publisher packs it"
        ) from error
    if missing := [file for file in wanted if file not in members]:
        raise InputError(
            f"{archive} lacks {', '.join(missing)}; give the publisher's binary version whole"
        )
    return members
