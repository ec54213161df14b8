"""What a COCO instances file must hold before it is read: keys and types, entry by entry."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from nassl.files import InputError
from stages.prepare.file_names import class_name, inside

NUMBERS = {int, float}


def _is_id(value: Any) -> bool:
    return type(value) is int


def _is_side(value: Any) -> bool:
    return type(value) in NUMBERS and value > 0 and value == value // 1 and value < 2**31


def _is_box(value: Any) -> bool:
    return type(value) is list and len(value) == 4 and _are_numbers(value)


def _are_numbers(values: list[Any]) -> bool:
    """Finite ones. The sum, which is fast, is finite only if they all are."""
    try:
        return NUMBERS.issuperset(map(type, values)) and (
            math.isfinite(sum(values)) or all(map(math.isfinite, values))
        )
    except OverflowError:  # an integer beyond all floats
        return False


def _is_file_name(value: Any) -> bool:
    """Below its folder: neither absolute nor climbing out."""
    return isinstance(value, str) and all(
        inside(path) and "\0" not in path for path in (value, value.replace("\\", "/"))
    )


def _is_mask(value: Any) -> bool:
    """None, polygons, or run lengths, which their reader checks."""
    if type(value) is list:
        return all(type(points) is list and _are_numbers(points) for points in value)
    return value is None or type(value) is dict


Check = tuple[Callable[[Any], bool], str]
Fitting = tuple[str, Callable[[Any], bool]]
ID: Check = (_is_id, "a whole number")
ENTRIES: dict[str, dict[str, Check]] = {
    "categories": {
        "id": ID,
        "name": (lambda v: isinstance(v, str) and bool(class_name(v)), "a name"),
    },
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
    "iscrowd": (lambda v: type(v) in (int, bool, float) and v in (0, 1), "0 or 1"),
    "segmentation": (_is_mask, "polygons or a run-length encoding"),
}


def check_instances(content: Any, file: Path) -> None:
    """Raises InputError naming the file, the entry, its key and what is expected there."""
    for section, keys in ENTRIES.items():
        if not isinstance(content, dict) or section not in content:
            raise InputError(f"{file} has no {section!r}; it is not a COCO instances file")
        if not isinstance(content[section], list):
            raise InputError(f"{file}: {section} is not a list; it is not a COCO instances file")
        checks = [(key, fits) for key, (fits, _) in keys.items()]
        optional = OPTIONAL if section == "annotations" else {}
        more = [(key, fits) for key, (fits, _) in optional.items()]
        for number, entry in enumerate(content[section]):
            if not _fits(entry, checks, more):
                _refuse(entry, f"{file}: {section}[{number}]", keys, optional)


def _fits(entry: Any, checks: list[Fitting], more: list[Fitting]) -> bool:
    """Quick: there are millions of entries."""
    if type(entry) is not dict:
        return False
    for key, fits in checks:
        if key not in entry or not fits(entry[key]):
            return False
    for key, fits in more:  # noqa: SIM110 - faster than all()
        if key in entry and not fits(entry[key]):
            return False
    return True


def _refuse(entry: Any, where: str, keys: dict[str, Check], optional: dict[str, Check]) -> NoReturn:
    if not isinstance(entry, dict):
        raise InputError(f"{where} is {entry!r}; a mapping is expected")
    for key, (fits, expected) in (keys | optional).items():
        if key not in entry and key in keys:
            raise InputError(f"{where} has no {key!r}; {expected} is expected")
        if key in entry and not fits(entry[key]):
            raise InputError(f"{where}.{key} is {entry[key]!r}; {expected} is expected")
    raise AssertionError(where)
