"""Images with boxes and masks, read from a genuine layout, checked, and listed for `transfer`.

All that could stop a training hours later is found here: a missing or broken image, one of another
size than its annotation says, a class that is not in the list. Boxes without an area occur in real
data sets; they are dropped, counted and named.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from stages.core.command import InputError
from stages.core.data.decode import decoding_threads
from stages.core.settings import Data
from stages.prepare.parts import CHOICE_STREAM

SHOWN = 10  # problems that an error names; the rest is counted
XYXY = 0  # how boxes are written: detectron2's BoxMode.XYXY_ABS, pixels from the image's corner


@dataclass
class Annotated:
    """`parts` has for `train` and `test` a list of images: file_name (below `root`), image_id,
    height, width, annotations (bbox [x0, y0, x1, y1], category_id from 0, iscrowd, segmentation
    where there is one)."""

    layout: str  # voc | coco
    root: Path
    classes: list[str]
    parts: dict[str, list[dict[str, Any]]]
    dropped: list[dict[str, Any]]  # boxes without an area: image, box, what they were called
    problems: list[tuple[str, str]] = field(default_factory=list)  # image, what is wrong with it
    notes: dict[str, Any] = field(default_factory=dict)  # what the layout's evaluator needs


def settle(found: Annotated, settings: Data) -> Annotated:
    """Opens every image, and stops at problems or leaves the images out (data.on_error), then takes
    as many images as data.train and data.test ask for.

    Raises InputError naming the first problems, or a part that has too few images.
    """
    images = [image for part in found.parts.values() for image in part]
    with ThreadPoolExecutor(decoding_threads()) as pool:
        for image, wrong in zip(
            images, pool.map(lambda i: _look(found.root, i), images), strict=True
        ):
            if wrong:
                found.problems.append((image["file_name"], wrong))
    if found.problems and settings.on_error == "stop":
        listed = "".join(f"\n  {name}: {wrong}" for name, wrong in found.problems[:SHOWN])
        more = len(found.problems) - SHOWN
        raise InputError(
            f"{found.root}: {len(found.problems)} problems in {len(images)} images:{listed}"
            + (f"\n  and {more} more" if more > 0 else "")
            + "\nmend them, or leave these images out with data.on_error: skip"
        )
    bad = {name for name, _ in found.problems}
    for name, part in found.parts.items():
        part = [image for image in part if image["file_name"] not in bad]
        wanted = getattr(settings, name)
        if len(part) < max(wanted, 1):
            raise InputError(
                f"{found.root} has {len(part)} usable images for {name}; data.{name} asks for "
                f"{wanted or 'all, at least 1'}"
            )
        if wanted:
            random = np.random.default_rng([settings.seed, CHOICE_STREAM, len(name)])
            part = [part[i] for i in np.sort(random.permutation(len(part))[:wanted])]
        found.parts[name] = part
    if found.layout == "voc":
        _check_classes(found)
    for entry in found.dropped:
        print(f"{entry['image']}: box without an area dropped: {entry['box']}", file=sys.stderr)
    for name, wrong in found.problems:
        print(f"{name}: left out: {wrong}", file=sys.stderr)
    return found


def _check_classes(found: Annotated) -> None:
    """VOC's metric is a mean over classes, of which each must have something to be found."""
    there = {
        box["category_id"]
        for image in found.parts["test"]
        for box in image["annotations"]
        if not box["difficult"]
    }
    for number, name in enumerate(found.classes):
        if number not in there:
            raise InputError(
                f"{found.root}: class {name!r} has no box in the test images that is not difficult:"
                " its average precision is undefined; add such images, ask for more with data.test,"
                " or leave the class out"
            )


def _look(root: Path, image: dict[str, Any]) -> str | None:
    """What is wrong with an image's file, or None."""
    path = root / image["file_name"]
    if not path.is_file():
        return "there is no such file"
    try:
        with Image.open(path) as opened:
            size = opened.size
            opened.draft("L", (1, 1))  # a JPEG is decoded at an eighth: enough to find it truncated
            opened.load()
    except Exception as error:  # Pillow's decoders raise many kinds for broken bytes
        return f"it cannot be read ({type(error).__name__}: {error})"
    if size != (image["width"], image["height"]):
        said = f"{image['width']}x{image['height']}"
        return f"it is {size[0]}x{size[1]}, its annotation says {said}"
    return None


def area(box: Iterable[float], width: int, height: int) -> float:
    """Of the part of a box (x0, y0, x1, y1) that lies within the image, in pixels."""
    x0, y0, x1, y1 = box
    return max(min(x1, width) - max(x0, 0), 0) * max(min(y1, height) - max(y0, 0), 0)


def write_annotated(found: Annotated, settings: Data, staging: Path) -> dict[str, Any]:
    """Writes the lists to labels/ below `staging`, where generated scenes already lie; a root
    elsewhere is named, never copied. Gives what the manifests of images/ and labels/ say."""
    labels = staging / "labels"
    labels.mkdir(parents=True, exist_ok=True)
    for name, part in found.parts.items():
        (labels / f"{name}.json").write_text(json.dumps(part, separators=(",", ":")) + "\n")
    inside = found.root.is_relative_to(labels)
    counts = {name: len(part) for name, part in found.parts.items()}
    manifest = {
        "kind": settings.kind,
        "layout": found.layout,
        "root": str(found.root.relative_to(labels)) if inside else str(found.root.resolve()),
        "classes": found.classes,
        "images": counts,
        "boxes": {n: sum(len(i["annotations"]) for i in part) for n, part in found.parts.items()},
        "dropped": found.dropped,
        "skipped": [{"image": name, "reason": wrong} for name, wrong in found.problems],
        **found.notes,
    }
    images = {"kind": settings.kind, "format": "annotated", "counts": counts}
    return {"images": images, "labels": manifest}
