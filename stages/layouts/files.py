"""The image files of a folder, or of a zip or tar archive, which is read in place.

Nothing of an archive is ever extracted, so that no member can leave a folder, follow a link or fill
a disk.
"""

from __future__ import annotations

import re
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from nassl.files import InputError
from nassl.image_files.kinds import EXTENSIONS, HEAD, hidden
from nassl.image_files.unreadable import UnreadableImage
from nassl.image_files.walk import Found, in_words, walk

LARGEST_FILE = 256 * 2**20  # bytes of one unpacked image file; a bomb unpacks to more
BROKEN = (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, OSError)
UNSUPPORTED = (RuntimeError, NotImplementedError)  # zipfile: encrypted; unknown compression


class NoImages(InputError):
    """A folder or a whole archive that holds no image file."""


@dataclass(frozen=True)
class Files:
    """`read(i)` gives the bytes of the i-th image of `found.paths`, to be called from one thread,
    best in order, and raises UnreadableImage."""

    found: Found
    read: Callable[[int], bytes]
    in_archive: bool

    @property
    def paths(self) -> list[str]:
        return self.found.paths

    @property
    def ignored(self) -> int:
        return sum(self.found.others.values())


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
        except PermissionError as error:
            raise InputError(
                f"{root} cannot be opened ({error.strerror}); make it readable, or give another"
            ) from error
        except BROKEN as error:
            raise InputError(f"{root} is broken ({error}); download or pack it again") from error
        if not files.paths:
            raise NoImages(
                f"{root} holds no image file ({files.ignored} others); supported: "
                f"{' '.join(EXTENSIONS)}, and JPEG, PNG, GIF, WebP, AVIF, JPEG 2000 under any other"
                f" name; found: {in_words(files.found.others) or 'no files'}"
            )
        yield files


def _folder(root: Path) -> Files:
    found = walk(root)

    def read(index: int) -> bytes:
        if "\n" in found.paths[index]:
            raise UnreadableImage("its name holds a line break")
        try:
            return (root / found.paths[index]).read_bytes()
        except OSError as error:
            raise UnreadableImage(error.strerror or str(error)) from error

    return Files(found, read, in_archive=False)


def _zip(archive: zipfile.ZipFile, root: Path) -> Files:
    def content(info: zipfile.ZipInfo, length: int) -> bytes:
        with archive.open(info) as file:
            return file.read(length)

    members = {_named(info.filename): info for info in archive.infolist()}
    folders = [name.rstrip("/") for name in members if name.endswith("/")]
    members = {name: info for name, info in members.items() if not name.endswith("/")}
    return _archived(members, folders, content, root)


def _tar(archive: tarfile.TarFile, root: Path) -> Files:
    def content(member: tarfile.TarInfo, length: int) -> bytes:
        return archive.extractfile(member).read(length)

    members = {_named(member.name): member for member in archive.getmembers()}
    folders = [name for name, member in members.items() if member.isdir()]
    members = {name: member for name, member in members.items() if not member.isdir()}
    for name, member in members.items():
        if (
            not member.isfile()
            and not hidden(name)
            and PurePosixPath(name).suffix.lower()
            in (
                *EXTENSIONS,
                "",
            )
        ):
            raise InputError(
                f"{root} holds {name!r}, which is a link or a device, not a file; unpack it "
                "yourself and set data.root to the folder"
            )
    return _archived(members, folders, content, root)


def _named(name: str) -> str:
    """A member's name with slashes: some programs on Windows write backslashes. Of two members of
    one name the later counts, as in unpacking."""
    name = name.replace("\\", "/")
    return name.removeprefix("./") or "/"


def _archived(
    members: dict, folders: list[str], content: Callable[..., bytes], root: Path
) -> Files:
    found = Found()

    def head(name: str) -> bytes:
        try:
            return content(members[name], HEAD)
        except (*BROKEN, *UNSUPPORTED, AttributeError):  # a link has no content
            return b""

    for name in members:
        if found.sort_out(name, lambda name=name: head(name)):
            _check_inside(name, root)
            found.paths.append(name)
    parents = {str(parent) for name in members for parent in PurePosixPath(name).parents}
    found.note_empty({*folders, *parents} - {".", "", "/"})

    def read(index: int) -> bytes:
        try:
            data = content(members[found.paths[index]], LARGEST_FILE + 1)
        except (*BROKEN, *UNSUPPORTED) as error:
            raise UnreadableImage(f"the archive's member is broken: {error}") from error
        if len(data) > LARGEST_FILE:
            raise UnreadableImage(f"it unpacks to more than {LARGEST_FILE // 2**20} MiB")
        return data

    return Files(found, read, in_archive=True)


def _check_inside(name: str, root: Path) -> None:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or re.match("[A-Za-z]:", name):
        raise InputError(f"{root} holds {name!r}, which lies outside of the archive; repack it")
