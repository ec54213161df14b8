"""Images that occur more than once: in test and in what is trained on, or in two classes."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator

import numpy as np

from stages.layouts.folders import Place
from stages.prepare.parts import Part

TRAINED_ON = ("train", "unlabeled")


def digests(part: Part) -> list[bytes]:
    """What identifies an image: the bytes of its file or, where there are no files, its pixels."""
    if part.digests is not None:
        return part.digests
    return [hashlib.sha256(np.ascontiguousarray(image).data).digest() for image in part.pixels]


def test_images_also_in(by_part: dict[str, Iterable[bytes]]) -> dict[str, int]:
    """How many of the test images are in `train` and in `unlabeled` as well, from what identifies
    the images of each part; empty without a test part."""
    if "test" not in by_part:
        return {}
    test = Counter(by_part["test"])
    return {
        name: sum(test[image] for image in set(by_part[name]) if image in test)
        for name in TRAINED_ON
        if name in by_part
    }


def in_two_classes(images: dict[int, bytes], places: list[Place | None]) -> list[int]:
    """Indices of the labelled images, in order, that are there under another class, too."""
    if len(set(images.values())) == len(images):
        return []  # as almost always: spares the memory of what follows

    def labelled() -> Iterator[tuple[int, bytes, str]]:
        for index, image in images.items():
            place = places[index]
            if place is not None and place[1] is not None and place[0] != "unlabeled":
                yield index, image, place[1]

    first: dict[bytes, str] = {}
    both = {image for _, image, name in labelled() if first.setdefault(image, name) != name}
    return [index for index, image, _ in labelled() if image in both]
