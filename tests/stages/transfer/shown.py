"""What a detector is shown of a prepared set, and what it is worth when it finds all of it."""

from __future__ import annotations

import numpy as np

from stages.transfer.data import register
from stages.transfer.mapper import read_picture
from tests.stages.prepare.annotated_sets import (
    COLOURS,
)

ONE = {"AP": 1.0, "AP50": 1.0, "AP75": 1.0}


BOXES = {f"{name}_box": value for name, value in ONE.items()}


MASKS = BOXES | {f"{name}_mask": value for name, value in ONE.items()}


def seen(labels) -> set[tuple[int, str]]:
    """(class index, colour) of all that is listed: which colour most of a box's pixels have, in
    the image as the detector is given it."""
    data = register(labels, f"seen-{abs(hash(str(labels)))}")
    found = set()
    for image in data.train_images() + data.test_images():
        pixels = np.asarray(read_picture(image)).astype(int)
        for box in image["annotations"]:
            x0, y0, x1, y1 = map(round, box["bbox"])
            colour = pixels[y0 + 2 : y1 - 2, x0 + 2 : x1 - 2].reshape(-1, 3).mean(0)
            near = [np.abs(colour - wanted).max() < 30 for wanted in COLOURS]
            name = ("red", "green")[near.index(True)] if any(near) else "noise"
            found.add((box["category_id"], name))
    return found


RIGHT = {(0, "red"), (1, "green")}
