"""Boxes as annotators leave them: beyond the border, without an area, in another notation.

A box that reaches beyond its image is clipped, one without an area is dropped, and both are
counted. If that happens to most boxes of a part, they are probably in another notation, and the
part is refused: no number measured on it would mean anything.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from nassl.files import InputError

Box = tuple[float, float, float, float]

LEAST = 0.01  # pixels: side of a box
SLACK = 1.0  # pixels beyond the border that are rounding, or counting from 0 instead of from 1
# Shares of boxes: beyond the border, and fitting in another notation; both together are refused.
SUSPICIOUS, MOSTLY = 0.1, 0.9


@dataclass
class Tally:
    """How the boxes of a part fit their images."""

    total: int = 0
    beyond: int = 0  # further than SLACK
    empty: int = 0  # nothing of them lies within the image
    relative: int = 0  # all four numbers are fractions of 1
    other: int = 0  # would fit as the other notation: corners for sizes, sizes for corners
    example: str = ""  # the first that does not fit
    masked: int = 0  # boxes with a mask that can be used
    unmasked: list[str] = field(default_factory=list)  # images of boxes that have none at all
    masks: int = 0  # boxes whose polygons could be compared with them
    masks_other: int = 0  # polygons that agree with the other notation, and with this one not
    masks_apart: int = 0  # polygons that end far from where the box ends
    mask_example: str = field(default="", repr=False)

    def add(self, where: str, written: Box, width: int, height: int, wrong: str) -> None:
        """`written` are the four numbers of the file; `wrong`: "", beyond, empty or relative."""
        self.total += 1
        if wrong:
            setattr(self, wrong, getattr(self, wrong) + 1)
            self.example = self.example or (
                f"{where}: [{', '.join(f'{value:g}' for value in written)}] in an image of "
                f"{width}x{height}"
            )


def clipped(box: Box, width: int, height: int) -> tuple[Box, bool]:
    """The part of a box (x0, y0, x1, y1) that lies within the image, and whether it had reached
    beyond it by more than a pixel."""
    x0, y0, x1, y1 = box
    if x0 >= 0 and y0 >= 0 and x1 <= width and y1 <= height:
        return box, False
    far = x0 < -SLACK or y0 < -SLACK or x1 > width + SLACK or y1 > height + SLACK
    return (max(x0, 0), max(y0, 0), min(x1, width), min(y1, height)), far


def is_empty(box: Box) -> bool:
    """Whether nothing is left of a clipped box, or less than single precision can hold."""
    return box[2] - box[0] < LEAST or box[3] - box[1] < LEAST


def is_relative(written: Box, width: int, height: int) -> bool:
    """Whether the four numbers of a file are fractions of 1, as YOLO's are."""
    return (
        max(written) <= 1
        and min(written) >= 0
        and min(width, height) > 1
        and any(value != int(value) for value in written)
    )


def fits_as_corners(written: Box, width: int, height: int) -> bool:
    x0, y0, x1, y1 = written
    return 0 <= x0 < x1 <= width + SLACK and 0 <= y0 < y1 <= height + SLACK


def fits_as_size(written: Box, width: int, height: int) -> bool:
    x, y, w, h = written
    return min(x, y) >= 0 < min(w, h) and x + w <= width + SLACK and y + h <= height + SLACK


def judge(tally: Tally, place: str, form: str, other: str) -> None:
    """Raises InputError if most boxes of a part do not fit their images. `form` is how this format
    writes a box, `other` the notation that is often used by mistake."""
    bad = tally.beyond + tally.empty + tally.relative
    as_other = tally.other >= MOSTLY * tally.total > 0
    found = f"{bad} of {tally.total} boxes reach beyond their image or have no area in it"
    if 2 * tally.relative > tally.total:
        looks = "relative coordinates, fractions of the image's sides; multiply them"
    elif bad > SUSPICIOUS * tally.total and as_other:
        looks = f"{other}; convert them"
    elif tally.masks > 1 and 2 * tally.masks_other > tally.masks:
        found = f"{tally.masks_other} of {tally.masks} boxes with polygons do not enclose them"
        looks = f"{other}; convert them"
    elif 2 * bad > tally.total and 2 * tally.other > tally.total:
        looks = f"{other}; convert them"
    elif 2 * tally.empty > tally.total:
        looks = "boxes with their corners exchanged, or with negative sides; fix them"
    elif 2 * bad > tally.total:
        looks = "boxes of images of another size: were the images resized or turned afterwards?"
    elif tally.masks > 1 and 2 * tally.masks_apart > tally.masks:
        found = f"{tally.masks_apart} of {tally.masks} boxes end elsewhere than their polygons"
        looks = "boxes given by their centre, or boxes or polygons of images of another size"
    else:
        return
    raise InputError(
        f"{place}: {found}, for example {tally.example or tally.mask_example}. Boxes are expected "
        f"in pixels, as {form}; these look like {looks}"
    )
