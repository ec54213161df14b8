"""One annotation file of VOC: the image's size, and the objects with their boxes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import PureWindowsPath
from xml.etree import ElementTree

from stages.prepare.file_names import class_name

CORNERS = ("xmin", "ymin", "xmax", "ymax")


@dataclass(frozen=True)
class VocObject:
    """`corners` as written: pixels counted from 1, the last one belongs to the box."""

    name: str
    corners: tuple[float, float, float, float]
    difficult: int


@dataclass(frozen=True)
class VocAnnotation:
    """`file_name` is what <filename> says, without folders: often stale."""

    file_name: str
    width: int
    height: int
    objects: list[VocObject]


def read_annotation(content: bytes) -> VocAnnotation:
    """Raises ValueError saying what is wrong with the content."""
    try:
        tree = ElementTree.fromstring(content)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise ValueError(str(error)) from error
    width, height = (_side(tree.findtext(f"size/{side}"), side) for side in ("width", "height"))
    if min(width, height) < 1:
        raise ValueError(f"its size is {width}x{height}")
    given = (tree.findtext("filename") or "").strip()
    objects = [_object(entry) for entry in tree.iterfind("object")]
    return VocAnnotation(PureWindowsPath(given).name, width, height, objects)


def _side(text: str | None, side: str) -> int:
    if text is None:
        raise ValueError(f"it has no <size> with a <{side}>")
    try:
        value = float(text)
        if value != int(value):
            raise ValueError
    except (ValueError, OverflowError) as error:
        raise ValueError(f"<{side}> is {text!r}; pixels are expected") from error
    return int(value)


def _object(entry: ElementTree.Element) -> VocObject:
    name = class_name(entry.findtext("name") or "")
    texts = [entry.findtext(f"bndbox/{corner}") for corner in CORNERS]
    missing = [corner for corner, text in zip(CORNERS, texts, strict=True) if text is None]
    if missing:
        raise ValueError(f"an object called {name!r} has no <bndbox> with <{missing[0]}>")
    try:
        corners = tuple(float(text) for text in texts)
    except ValueError as error:
        raise ValueError(f"an object called {name!r} with the box {texts}") from error
    if not name or not all(map(math.isfinite, corners)):
        raise ValueError(f"an object called {name!r} with the box {list(corners)}")
    difficult = (entry.findtext("difficult") or "0").strip() or "0"
    if difficult not in ("0", "1"):
        raise ValueError(f"<difficult> of {name!r} is {difficult!r}; 0 or 1 is expected")
    return VocObject(name, corners, int(difficult))
