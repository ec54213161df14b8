"""The image files of a folder, or of a zip or tar archive, which is read in place.

Nothing of an archive is ever extracted, so that no member can leave a folder, follow a link or fill
a disk.
"""

from __future__ import annotations

import os
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from stages.core.command import InputError
from stages.core.data.decode import UnreadableImage

EXTENSIONS = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp"),
    *(".ppm", ".pgm", ".pbm", ".pnm", ".tga"),
)
LARGEST_FILE = 256 * 2**20  # bytes of one unpacked image file; a bomb unpacks to more
BROKEN = (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, OSError)
UNSUPPORTED = (RuntimeError, NotImplementedError)  # zipfile: encrypted; unknown compression


@dataclass(frozen=True)
class Files:
    """`paths` relative to the root, with slashes; `read(i)` gives the bytes of the i-th, to be
    called from one thread, best in order, and raises UnreadableImage; `ignored` counts other files.
    """

    paths: list[str]
    read: Callable[[int], bytes]
    ignored: int
    in_archive: bool


@contextmanager
def image_files(root: Path) -> Iterator[Files]:
    """Opens `root`. Raises InputError if it is missing, broken, unsafe, or holds no image."""
    with ExitStack() as stack:
        try:
            if root.is_dir():
                files = _folder(root)
            elif not root.exists():
                raise InputError(
                    f"data.root is {str(root)!r}, which does not exist; "
                    "give a folder or an archive of images"
                )
            elif zipfile.is_zipfile(root):
                files = _zip(stack.enter_context(zipfile.ZipFile(root)), root)
            elif tarfile.is_tarfile(root):
                files = _tar(stack.enter_context(tarfile.open(root)), root)
            else:
                raise InputError(
                    f"{root} is neither a folder nor a whole zip or tar archive; if it was "
                    "downloaded, download it again"
                )
        except BROKEN as error:
            raise InputError(f"{root} is broken ({error}); download or pack it again") from error
        if not files.paths:
            raise InputError(
                f"{root} holds no image file ({files.ignored} others); known are: "
                f"{' '.join(EXTENSIONS)}"
            )
        yield files


def _is_image(path: str) -> bool:
    parts = PurePosixPath(path).parts
    hidden = any(part == "__MACOSX" or (part[0] == "." and part != "..") for part in parts)
    return not hidden and PurePosixPath(path).suffix.lower() in EXTENSIONS


def _folder(root: Path) -> Files:
    paths, ignored, seen = [], 0, set()
    for folder, subfolders, names in os.walk(root, followlinks=True):
        # Links to folders are followed, once: a link to a folder above would never end.
        if (real := os.path.realpath(folder)) in seen:
            subfolders.clear()
            continue
        seen.add(real)
        subfolders.sort()
        for name in sorted(names):
            path = (Path(folder) / name).relative_to(root).as_posix()
            if _is_image(path):
                paths.append(path)
            else:
                ignored += 1

    def read(index: int) -> bytes:
        if "\n" in paths[index]:
            raise UnreadableImage("its name holds a line break")
        try:
            return (root / paths[index]).read_bytes()
        except OSError as error:
            raise UnreadableImage(error.strerror or str(error)) from error

    return Files(paths, read, ignored, in_archive=False)


def _zip(archive: zipfile.ZipFile, root: Path) -> Files:
    members = [info for info in archive.infolist() if not info.is_dir()]
    chosen = [info for info in members if _is_image(info.filename)]

    def read(index: int) -> bytes:
        try:
            with archive.open(chosen[index]) as file:
                return _bounded(file.read(LARGEST_FILE + 1))
        except (*BROKEN, *UNSUPPORTED) as error:
            raise UnreadableImage(f"the archive's member is broken: {error}") from error

    paths = _inside([info.filename for info in chosen], root)
    return Files(paths, read, len(members) - len(chosen), in_archive=True)


def _tar(archive: tarfile.TarFile, root: Path) -> Files:
    members = [member for member in archive.getmembers() if not member.isdir()]
    chosen = [member for member in members if _is_image(member.name)]
    if links := [member.name for member in chosen if not member.isfile()]:
        raise InputError(
            f"{root} holds {links[0]!r}, which is a link or a device, not a file; unpack it "
            "yourself and set data.root to the folder"
        )

    def read(index: int) -> bytes:
        try:
            return _bounded(archive.extractfile(chosen[index]).read(LARGEST_FILE + 1))
        except BROKEN as error:
            raise UnreadableImage(f"the archive's member is broken: {error}") from error

    paths = _inside([member.name for member in chosen], root)
    return Files(paths, read, len(members) - len(chosen), in_archive=True)


def _bounded(content: bytes) -> bytes:
    if len(content) > LARGEST_FILE:
        raise UnreadableImage(f"it unpacks to more than {LARGEST_FILE // 2**20} MiB")
    return content


def _inside(names: list[str], root: Path) -> list[str]:
    """Member names without the single folder that an archive is usually packed with."""
    for name in names:
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
            raise InputError(f"{root} holds {name!r}, which lies outside of the archive; repack it")
    paths = [PurePosixPath(name) for name in names]
    while paths and all(len(path.parts) > 1 for path in paths):
        tops = {path.parts[0] for path in paths}
        if len(tops) > 1 or tops & {"train", "test", "val", "unlabeled"}:
            break
        paths = [PurePosixPath(*path.parts[1:]) for path in paths]
    return [path.as_posix() for path in paths]
