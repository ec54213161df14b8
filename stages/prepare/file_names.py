"""The files of a folder, found under the names that annotations give them.

The exact name comes first. Without it a file is found if it alone differs in upper and lower case,
or in how accents are composed: names change in this way between Windows, macOS and Linux.
"""

from __future__ import annotations

import os
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path, PurePosixPath

from nassl.image_files.kinds import EXTENSIONS


class FileNames:
    """Paths below `folder`, relative, with slashes; folders that are links are followed, once."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.paths = folder, set()
        seen = set()
        for current, subfolders, names in os.walk(folder, followlinks=True):
            if (real := os.path.realpath(current)) in seen:
                subfolders.clear()
                continue
            seen.add(real)
            inner = os.path.relpath(current, folder).replace(os.sep, "/")
            start = "" if inner == "." else f"{inner}/"
            self.paths.update(start + name for name in names)

    def find(self, path: str) -> list[str]:
        """The file of this path; without it those that differ only in case or accents, sorted."""
        return [path] if path in self.paths else self._alike.get(_key(path), [])

    def with_stem(self, stem: str) -> list[str]:
        """Files that are called `stem` and have any ending, or none."""
        found = [*self.find(stem), *self._stems.get(_key(stem), [])]
        found = sorted(set(found))
        return [path for path in found if stem in (path, _stem(path))] or found

    def images_beside(self, used: Iterable[str]) -> list[str]:
        """Files that are images by their ending and not among `used`, sorted."""
        left = self.paths.difference(used)
        return sorted(path for path in left if path.lower().endswith(EXTENSIONS))

    @cached_property
    def _alike(self) -> dict[str, list[str]]:
        found = defaultdict(list)
        for path in sorted(self.paths):
            found[_key(path)].append(path)
        return found

    @cached_property
    def _stems(self) -> dict[str, list[str]]:
        found = defaultdict(list)
        for path in sorted(self.paths):
            found[_key(_stem(path))].append(path)
        return found


def inside(path: str) -> bool:
    """Whether a relative path stays below its folder."""
    parts = PurePosixPath(path).parts
    return bool(parts) and parts[0] != "/" and ".." not in parts


def class_name(text: str) -> str:
    """A name without what does not count: white space around it, which is the file's layout, and
    the way in which accents are composed."""
    return unicodedata.normalize("NFC", " ".join(text.split()))


def _stem(path: str) -> str:
    return os.path.splitext(path)[0]


def _key(path: str) -> str:
    return path.lower() if path.isascii() else unicodedata.normalize("NFC", path).casefold()
