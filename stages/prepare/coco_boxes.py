"""The annotations of one of COCO's images as they are listed: box, class, mask."""

from __future__ import annotations

from typing import Any

from stages.prepare.annotated import XYXY, Annotated
from stages.prepare.boxes import SLACK, Tally, clipped, fits_as_corners, is_empty, is_relative
from stages.prepare.coco_schema import NUMBERS
from stages.prepare.masks import UnusableMask, polygons, run_length

APART = 3  # a polygon that ends further from its box's side than this part of it is another's


def boxes_of(
    found: Annotated,
    part: str,
    image: dict[str, Any],
    entries: list[dict[str, Any]],
    categories: tuple[dict[int, int], dict[int, str]],
    tally: Tally,
) -> list[dict[str, Any]]:
    """Boxes within the image, with what masks can be used; entries that repeat another are left
    out. `categories`: number and name by id."""
    numbers, names = categories
    width, height, where = image["width"], image["height"], image["file_name"]
    kept: list[dict[str, Any]] = []
    places: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for entry in entries:
        written = entry["bbox"]
        x, y, w, h = written
        box, far = clipped((x, y, x + w, y + h), width, height)
        wrong = "beyond" if far else ""
        if is_relative(written, width, height):
            wrong = "relative"
        elif is_empty(box):
            wrong = "empty"
        if fits_as_corners(written, width, height):
            tally.other += 1
        tally.add(where, written, width, height, wrong)
        if wrong == "beyond":
            found.remarks.add(part, "boxes reach beyond their image: they are clipped", where)
        elif wrong:
            name = names[entry["category_id"]]
            found.drop(where, written, wrong, annotation=entry["id"], name=name)
            continue
        same = places.setdefault((entry["category_id"], *written), [])
        if same and any(_repeats(entry, other) for other in same):
            text = "annotations repeat another of their image: they count once"
            found.remarks.add(part, text, where)
            continue
        same.append(entry)
        _note_missing(found, part, entry, where)
        listed = {
            "bbox": list(box),
            "bbox_mode": XYXY,
            "category_id": numbers[entry["category_id"]],
            "iscrowd": int(entry.get("iscrowd", 0)),
        }
        if mask := _mask(found, part, image, entry, box, tally):
            listed["segmentation"] = mask
        kept.append(listed)
    return kept


def _repeats(entry: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two annotations of one class and box are the same in all but their id."""
    keys = ("iscrowd", "segmentation")
    return all(entry.get(key) == other.get(key) for key in keys)


def _note_missing(found: Annotated, part: str, entry: dict[str, Any], where: str) -> None:
    if "iscrowd" not in entry:
        found.remarks.add(part, "annotations have no iscrowd: 0 is taken", where)
    area = entry.get("area")
    if type(area) not in NUMBERS or not area > 0:
        text = "annotations have no area above 0: that of their box is taken"
        found.remarks.add(part, text, where)


def _mask(
    found: Annotated,
    part: str,
    image: dict[str, Any],
    entry: dict[str, Any],
    box: tuple[float, ...],
    tally: Tally,
) -> Any:
    """Polygons or run lengths as they are listed; None if there are none that can be used."""
    written = entry.get("segmentation")
    if not written:
        tally.unmasked.append(image["file_name"])
        return None
    try:
        if isinstance(written, dict):
            encoded = run_length(written, box, image["width"], image["height"])
            tally.masked += 1
            return written if entry.get("iscrowd") else encoded
        area = entry.get("area")
        small = type(area) not in NUMBERS or area < 2 * max(entry["bbox"][2:])
        kept, bounds = polygons(written, box, image["width"], image["height"], small)
    except UnusableMask as error:
        text = f"boxes have no usable mask: {error}; they count as boxes alone"
        found.remarks.add(part, text, image["file_name"])
        return None
    if len(kept) < len(written):
        text = "masks have polygons of fewer than three points: these are left out"
        found.remarks.add(part, text, image["file_name"])
    tally.masked += 1
    _compare(tally, image, entry["bbox"], bounds)
    return kept


def _compare(
    tally: Tally, image: dict[str, Any], written: list[float], bounds: tuple[float, ...]
) -> None:
    """Whether polygons end where the box ends, or where it would as [x0, y0, x1, y1]."""
    x, y, w, h = written
    tally.masks += 1
    off_x = max(abs(bounds[0] - x), abs(bounds[2] - x - w))
    off_y = max(abs(bounds[1] - y), abs(bounds[3] - y - h))
    if off_x > SLACK + w / APART or off_y > SLACK + h / APART:
        tally.masks_apart += 1
        tally.mask_example = tally.mask_example or f"{image['file_name']}: {written}"
    if (
        abs(bounds[2] - w) <= SLACK
        and abs(bounds[3] - h) <= SLACK
        and (abs(bounds[2] - x - w) > SLACK or abs(bounds[3] - y - h) > SLACK)
    ):
        tally.masks_other += 1
        tally.mask_example = tally.mask_example or f"{image['file_name']}: {written}"
