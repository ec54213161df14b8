"""Test images as the transfer stage drew them, annotated beside found, small enough for a page."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from pathlib import Path

from nassl.files import InputError
from stages.report.evidence.runs import Evidence

SIDE = 440  # pixels of the longer side
PICTURES = 12  # of a run
ENDINGS = (".png", ".jpg", ".jpeg")


@dataclass(frozen=True)
class Picture:
    """`source` has the image itself, `text` says what it shows; sides in pixels."""

    source: str
    width: int
    height: int
    text: str


@dataclass(frozen=True)
class Detections:
    run: str
    images: tuple[Picture, ...]


def detections(evidence: Evidence) -> list[Detections]:
    """Of every transfer run of seed 0 with pictures. Raises InputError naming a picture that cannot
    be read."""
    shown = []
    for run, line in evidence.lines["transfer"].items():
        if line.get("seed", 0) != 0:
            continue
        folder = evidence.folder("transfer", run) / "drawings"
        files = sorted(file for file in folder.glob("*") if file.suffix.lower() in ENDINGS)
        if files:
            images = tuple(_picture(file, run) for file in files[:PICTURES])
            shown.append(Detections(run, images))
    return shown


def _picture(file: Path, run: str) -> Picture:
    from PIL import Image, UnidentifiedImageError  # only where there are pictures

    try:
        with Image.open(file) as opened:
            image = opened.convert("RGB")
    except (UnidentifiedImageError, OSError) as error:
        raise InputError(
            f"{file} is not an image ({error}); delete it and draw it again: "
            f"`dvc repro --force transfer@{run}`"
        ) from error
    image.thumbnail((SIDE, SIDE))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=82)
    source = "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
    width, height = image.size
    text = f"Test image {file.stem}: what is annotated (left) and what {run} detects (right)"
    return Picture(source, width, height, text)
