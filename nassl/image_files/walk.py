"""The image files below a folder, and what else lies there."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath

from nassl.files import InputError
from nassl.image_files.kinds import BY_CONTENT, EXTENSIONS, HEAD, NO_IMAGES, ending, hidden, kind_of

HIDDEN = "hidden or of the system"


@dataclass
class Found:
    """`paths` of images with slashes, relative to the root; `others` counts all other files by
    kind; `by_content` counts images whose extension is not an image's; `first` has the first file
    of each kind of both; `empty` has the topmost folders without an image."""

    paths: list[str] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)
    by_content: Counter[str] = field(default_factory=Counter)
    first: dict[str, str] = field(default_factory=dict)
    empty: list[str] = field(default_factory=list)

    def sort_out(self, path: str, head: Callable[[], bytes]) -> bool:
        """Whether the file is an image; counts it if not. `head` returns its first bytes, and is
        called only where the extension is inconclusive."""
        if hidden(path):
            self.count(self.others, HIDDEN, path)
            return False
        name = ending(path)
        if name in EXTENSIONS:
            return True
        kind = "" if name in NO_IMAGES else kind_of(head())
        if kind in BY_CONTENT:
            self.count(self.by_content, f"{name or 'no ending'} ({kind})", path)
            return True
        self.count(self.others, (name or "no ending") + (f" ({kind})" if kind else ""), path)
        return False

    def count(self, counter: Counter[str], kind: str, path: str) -> None:
        counter[kind] += 1
        self.first.setdefault(kind, path)

    def note_empty(self, folders: Iterable[str]) -> None:
        """Keeps those of `folders` that have no image below, only the topmost of nested ones."""
        direct = {path.rpartition("/")[0] for path in self.paths}
        used = direct | {str(above) for one in direct for above in PurePosixPath(one).parents}
        bare = {folder for folder in folders if folder not in used and not hidden(folder)}
        self.empty = sorted(
            folder
            for folder in bare
            if not any(str(parent) in bare for parent in PurePosixPath(folder).parents)
        )


def walk(root: Path) -> Found:
    """Links to folders are followed, also several to the same folder; one to a folder above itself
    is not, because it would never end.

    Raises InputError for a folder that cannot be opened.
    """
    found, folders = Found(), []
    waiting = [("", frozenset([os.path.realpath(root)]), os.path.realpath(root))]
    while waiting:
        inside, above, real = waiting.pop()
        try:
            with os.scandir(root / inside) as entries:
                ordered = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            if inside and hidden(inside):
                continue
            raise InputError(
                f"{root / inside} cannot be opened ({error.strerror}); make it readable, or move "
                "the folder elsewhere"
            ) from error
        below = []
        for entry in ordered:
            path = f"{inside}/{entry.name}" if inside else entry.name
            if _holds(entry.is_dir):
                linked = entry.is_symlink()
                place = os.path.realpath(entry.path) if linked else os.path.join(real, entry.name)
                if place not in above:
                    folders.append(path)
                    below.append((path, above | {place}, place))
            elif not _holds(entry.is_file) and not entry.is_symlink():
                # A pipe or a device; a dead link is found when it is read.
                found.count(found.others, "no file", path)
            elif found.sort_out(path, partial(_head, root / path)):
                found.paths.append(path)
        waiting += reversed(below)
    found.note_empty(folders)
    return found


def _holds(question: Callable[[], bool]) -> bool:
    """False for a link that leads to itself, too."""
    try:
        return question()
    except OSError:
        return False


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(HEAD)
    except OSError:
        return b""


def listing(paths: Iterable[str]) -> str:
    """SHA-256 of all paths together, in any order: it changes when a file is added, removed,
    renamed or moved."""
    whole = hashlib.sha256()
    for path in sorted(paths):
        whole.update(f"{path}\0".encode("utf-8", "surrogateescape"))
    return whole.hexdigest()


def in_words(counts: dict[str, int], most: int = 10) -> str:
    """`12 .heic (HEIC), 3 .txt`: the largest counts first."""
    largest = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
    words = [f"{count} {kind}" for kind, count in largest[:most]]
    if rest := sum(count for _, count in largest[most:]):
        words.append(f"{rest} of other kinds")
    return ", ".join(words)
