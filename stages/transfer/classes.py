"""What is known of the annotations: what a recipe is fitted to; each class with its precision."""

from __future__ import annotations

import statistics
from collections import Counter
from typing import Any

from nassl.files import InputError
from nassl.settings.detection import Annotations
from stages.transfer.data import Registered

Precisions = dict[str, dict[int, float]]  # metric -> class from 0 -> fraction


def annotations(data: Registered) -> Annotations:
    """Of the training images. Raises InputError if none has a box."""
    images = [image for image in data.train_images() if _boxes(image)]
    if not images:
        raise InputError(f"{data.labels / 'train.json'}: no training image has a box")
    sides = [min(image["width"], image["height"]) for image in images]
    sizes = [
        ((x1 - x0) * (y1 - y0)) ** 0.5 / side
        for image, side in zip(images, sides, strict=True)
        for x0, y0, x1, y1 in (box["bbox"] for box in _boxes(image))
    ]
    return Annotations(len(images), statistics.median(sides), sizes)


def of_classes(data: Registered, found: Precisions) -> list[dict[str, Any]]:
    """A mapping per class: its name, the boxes that are trained on and that must be found, and
    its precisions, fractions; one without a test box has none."""
    trained = Counter(box["category_id"] for image in data.train_images() for box in _boxes(image))
    tested = Counter(
        box["category_id"] for image in data.test_images() for box in must_be_found(image)
    )
    return [
        {"class": name, "train_boxes": trained[number], "test_boxes": tested[number]}
        | {metric: of[number] for metric, of in found.items() if number in of}
        for number, name in enumerate(data.classes)
    ]


def must_be_found(image: dict[str, Any]) -> list[dict[str, Any]]:
    """The boxes of a test image that count: neither crowds nor difficult ones."""
    return [box for box in _boxes(image) if not box.get("difficult")]


def _boxes(image: dict[str, Any]) -> list[dict[str, Any]]:
    return [box for box in image["annotations"] if not box["iscrowd"]]
