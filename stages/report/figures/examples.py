"""A few prepared images, small enough for a page."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable

from stages.report.evidence.examples import Example
from stages.report.figures.detections import Picture

SIDE = 96  # pixels of the longer side at most; the page shows 64


def thumbnails(found: Iterable[Example]) -> list[Picture]:
    """As PNG, with the class as text. Neither names nor places of files are in them."""
    return [_thumbnail(example, number) for number, example in enumerate(found, start=1)]


def _thumbnail(example: Example, number: int) -> Picture:
    from PIL import Image  # only where there are images

    image = Image.fromarray(example.pixels)
    image.thumbnail((SIDE, SIDE))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    source = "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
    width, height = image.size
    return Picture(source, width, height, example.label or f"image {number}")
