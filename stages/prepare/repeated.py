"""Images that are there more than once: in test and in what is trained on, or in two classes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np

from stages.prepare.layout import Place
from stages.prepare.parts import Part

TRAINED_ON = ("train", "unlabeled")


def digests(part: Part) -> list[bytes]:
    """What two images have in common if they are the same: their files' bytes or, where there are
    no files, their pixels."""
    if part.digests is not None:
        return part.digests
    return [hashlib.sha256(np.ascontiguousarray(image).data).digest() for image in part.pixels]


def test_images_also_in(by_part: dict[str, Iterable[bytes]]) -> dict[str, int]:
    """How many of the test images are in `train` and in `unlabeled` as well, from what identifies
    the images of each part; empty without a test part."""
    if "test" not in by_part:
        return {}
    test = list(by_part["test"])
    there = {name: set(by_part[name]) for name in TRAINED_ON if name in by_part}
    return {name: sum(image in some for image in test) for name, some in there.items()}


def in_two_classes(images: dict[int, bytes], places: list[Place | None]) -> list[int]:
    """Indices of the labelled images, in order, that are there under another class, too."""
    labelled = {
        index: (image, places[index][1])
        for index, image in sorted(images.items())
        if places[index] is not None and places[index][1] and places[index][0] != "unlabeled"
    }
    classes: dict[bytes, set[str]] = {}
    for image, name in labelled.values():
        classes.setdefault(image, set()).add(name)
    return [index for index, (image, _) in labelled.items() if len(classes[image]) > 1]
