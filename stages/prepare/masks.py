"""Masks of COCO's annotations: polygons, or run lengths as a list or as a compressed text.

What pycocotools could not use, or would read as nothing, is found here first. Compressed run
lengths are decoded here first: pycocotools writes past the image if they are longer than it.
"""

from __future__ import annotations

from itertools import chain
from typing import Any

import numpy as np
from pycocotools import mask as run_lengths

POINTS = 3  # fewest of a polygon
THIN = 2.0  # pixels: narrower polygons may cover no pixel at all
FEW = 12  # numbers of a polygon that may be a line

Bounds = tuple[float, float, float, float]


class UnusableMask(ValueError):
    """Says why, as the end of `boxes have no usable mask: `."""


def polygons(
    written: list[list[float]], box: Bounds, width: int, height: int, small: bool
) -> tuple[list[list[float]], Bounds]:
    """The polygons of three points or more, and what encloses them: x0, y0, x1, y1.

    `box` is the annotation's, in the same form; `small` if its area may be next to nothing. Raises
    UnusableMask if nothing is left, if they do not touch the box, or if they cover no pixel.
    """
    kept = [points for points in written if len(points) >= 2 * POINTS and len(points) % 2 == 0]
    if not kept:
        raise UnusableMask("there is no polygon of three points or more")
    numbers = kept[0] if len(kept) == 1 else list(chain.from_iterable(kept))
    xs, ys = numbers[0::2], numbers[1::2]
    bounds = min(xs), min(ys), max(xs), max(ys)
    left, top = max(bounds[0], box[0]), max(bounds[1], box[1])
    right, bottom = min(bounds[2], box[2]), min(bounds[3], box[3])
    if right < left or bottom < top:
        raise UnusableMask("it lies outside of the box")
    thin = right - left < THIN or bottom - top < THIN
    if not thin and (small or len(numbers) <= FEW):
        thin = _area(xs, ys) < THIN * max(right - left, bottom - top)
    if thin:
        encoded = run_lengths.merge(run_lengths.frPyObjects(kept, height, width))
        if not run_lengths.area(encoded):
            raise UnusableMask("it covers no pixel")
    return kept, bounds


def _area(xs: list[float], ys: list[float]) -> float:
    """The area inside a closed line through all points."""
    following = zip(xs, ys, xs[1:] + xs[:1], ys[1:] + ys[:1], strict=True)
    return abs(sum(x * next_y - next_x * y for x, y, next_x, next_y in following)) / 2


def run_length(written: dict[str, Any], box: Bounds, width: int, height: int) -> dict[str, Any]:
    """Compressed run lengths, as pycocotools' decoder takes them. Raises UnusableMask."""
    size, counts = written.get("size"), written.get("counts")
    if size != [height, width]:
        raise UnusableMask("its run lengths are of another size than the image")
    if isinstance(counts, str):
        runs = decoded(counts)
    elif isinstance(counts, list) and all(type(run) is int and run >= 0 for run in counts):
        runs = np.array(counts, np.int64) if max(counts, default=0) < 2**40 else np.zeros(0)
    else:
        raise UnusableMask("its run lengths are neither a list of whole numbers nor a text")
    if runs.sum() != height * width or runs.min(initial=0) < 0:
        raise UnusableMask("its run lengths do not add up to the image")
    if not runs[1::2].sum():
        raise UnusableMask("it covers no pixel")
    if isinstance(counts, list):
        encoded = run_lengths.frPyObjects({"size": size, "counts": counts}, height, width)
        counts = encoded["counts"].decode()
    x, y, w, h = run_lengths.toBbox({"size": size, "counts": counts}).tolist()
    if x >= box[2] or y >= box[3] or x + w <= box[0] or y + h <= box[1]:
        raise UnusableMask("it lies outside of the box")
    return {"size": size, "counts": counts}


def decoded(text: str) -> np.ndarray:
    """Run lengths, int64, of COCO's compressed text: five bits a character, the lowest first, the
    sixth says that more follow; from the fourth number on the difference to the last but one.

    Raises UnusableMask for a text that was cut off or holds other characters.
    """
    raw = np.frombuffer(text.encode("utf-8", "replace"), np.uint8).astype(np.int64) - 48
    if not len(raw) or raw.min() < 0 or raw.max() > 63 or raw[-1] & 32:
        raise UnusableMask("its compressed run lengths are cut off or broken")
    last = np.flatnonzero((raw & 32) == 0)
    first = np.concatenate([[0], last[:-1] + 1])
    length = last - first + 1
    if length.max() > 8:  # 40 bits: no image is that large
        raise UnusableMask("its compressed run lengths are cut off or broken")
    place = np.arange(len(raw)) - np.repeat(first, length)
    values = np.add.reduceat((raw & 31) << (5 * place), first)
    values -= np.where(raw[last] & 16, 1 << (5 * length), 0)  # the sign
    values[1::2] = np.cumsum(values[1::2])
    values[2::2] = np.cumsum(values[2::2])
    return values
