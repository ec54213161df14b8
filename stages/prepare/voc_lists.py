"""VOC's lists of images, ImageSets/Main/*.txt, as text editors of all systems save them.

A line is a name: it may hold spaces, lie in a subfolder, or carry an ending or its folder.
"""

from __future__ import annotations

import codecs
import os
import re
from collections.abc import Iterator
from pathlib import Path

from nassl.files import InputError
from stages.prepare.file_names import FileNames

# In the lists of single classes a name is followed by 1 (has the class), -1 or 0.
FLAGGED = re.compile(r"(.*\S)\s+(-1|0|1)")
ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".xml")
FOLDERS = ("JPEGImages/", "Annotations/")


def read_list(file: Path, content: bytes) -> list[str]:
    """The lines of `content` that are not empty, without white space around them.

    UTF-8 and UTF-16, with and without a byte-order mark, are read; bytes that are neither are kept,
    as in names of files. Raises InputError for a file that is not text.
    """
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    elif b"\0" in content[:2]:
        encoding = "utf-16-be" if content[:1] == b"\0" else "utf-16-le"
    else:
        encoding = "utf-8-sig"
    try:
        text = content.decode(encoding, "strict" if "16" in encoding else "surrogateescape")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{file} is not text: {error}; save it as UTF-8, one name per line"
        ) from error
    if "\0" in text:
        raise InputError(
            f"{file} is not text: it holds zero bytes; save it as UTF-8, a name a line"
        )
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return [line.strip() for line in lines if line.strip()]


def annotation_names(lines: list[str], annotations: FileNames) -> Iterator[tuple[str, list[str]]]:
    """For every line: the name it gives, and the files of `annotations` that it means, without
    `.xml`: one if all is well, none if there is no such file, several if they differ only in case.
    """
    found = [_find(line, annotations) for line in lines]
    flagged = [FLAGGED.fullmatch(line) for line in lines]
    if (
        lines
        and all(flagged)
        and not any(found)
        and any(line.endswith("-1") for line in lines)  # else `img 1` could be a name
    ):
        lines = [match[1] for match in flagged]
        found = [_find(line, annotations) for line in lines]
    yield from zip(lines, found, strict=True)


def _find(line: str, annotations: FileNames) -> list[str]:
    """The first of the ways to read a line that leads to a file."""
    plain = line.replace("\\", "/").removeprefix("./")
    for folder in FOLDERS:
        plain = plain.removeprefix(folder)
    without, ending = os.path.splitext(plain)
    names = [line, plain, *([without] if ending.lower() in ENDINGS else [])]
    for name in names:
        if paths := annotations.find(f"{name}.xml"):
            return [path.removesuffix(path[-4:]) for path in paths]
    return []
