"""What a COCO instances file must hold before it is read: keys and types, entry by entry."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

from stages.core.command import InputError


def _is_id(value: Any) -> bool:
    return type(value) is int


def _is_side(value: Any) -> bool:
    return type(value) is int and value > 0


def _is_box(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 4 and all(map(_is_number, value))


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)


def _is_file_name(value: Any) -> bool:
    """Below its folder: neither absolute nor climbing out."""
    path = PurePosixPath(value) if isinstance(value, str) and value else None
    return path is not None and not path.is_absolute() and ".." not in path.parts


def _is_mask(value: Any) -> bool:
    """Polygons, or a run-length encoding, which its reader checks."""
    polygons = isinstance(value, list) and all(
        isinstance(points, list) and all(map(_is_number, points)) for points in value
    )
    return polygons or (isinstance(value, dict) and {"counts", "size"} <= value.keys())


Check = tuple[Callable[[Any], bool], str]
ID: Check = (_is_id, "a whole number")
ENTRIES: dict[str, dict[str, Check]] = {
    "categories": {"id": ID, "name": (lambda v: isinstance(v, str) and bool(v), "a name")},
    "images": {
        "id": ID,
        "file_name": (_is_file_name, "a path below the folder of the images"),
        "height": (_is_side, "pixels, a whole number from 1"),
        "width": (_is_side, "pixels, a whole number from 1"),
    },
    "annotations": {
        "id": ID,
        "image_id": ID,
        "category_id": ID,
        "bbox": (_is_box, "[x, y, width, height], finite numbers"),
    },
}
OPTIONAL: dict[str, Check] = {
    "iscrowd": (lambda v: v in (0, 1), "0 or 1"),
    "segmentation": (_is_mask, "polygons or a run-length encoding"),
}


def check_instances(content: Any, file: Path) -> None:
    """Raises InputError naming the file, the entry, its key and what is expected there."""
    for section, keys in ENTRIES.items():
        if not isinstance(content, dict) or section not in content:
            raise InputError(f"{file} has no {section!r}; it is no COCO instances file")
        if not isinstance(content[section], list):
            raise InputError(f"{file}: {section} is no list; it is no COCO instances file")
        for number, entry in enumerate(content[section]):
            where = f"{file}: {section}[{number}]"
            if not isinstance(entry, dict):
                raise InputError(f"{where} is {entry!r}; a mapping is expected")
            optional = {k: c for k, c in OPTIONAL.items() if k in entry}
            for key, (fits, expected) in (keys | optional).items():
                if key not in entry:
                    raise InputError(f"{where} has no {key!r}; {expected} is expected")
                if not fits(entry[key]):
                    raise InputError(f"{where}.{key} is {entry[key]!r}; {expected} is expected")
