"""How many images a prepared data set will have, known before it is prepared."""

from __future__ import annotations

from dataclasses import dataclass

from stages.core.settings import Data


@dataclass(frozen=True)
class Size:
    """`label_free` images are those that search and pretraining without labels may use."""

    train: int
    test: int
    unlabeled: int
    classes: int

    @property
    def label_free(self) -> int:
        return self.unlabeled or self.train


KNOWN = {  # the official releases
    "cifar10": Size(50_000, 10_000, 0, 10),
    "cifar100": Size(50_000, 10_000, 0, 100),
    "stl10": Size(5_000, 8_000, 100_000, 10),
    "imagenet": Size(1_281_167, 50_000, 0, 1000),
}
GENERATED = {"digits": 10, "shapes": 24}  # classes


def expected_size(data: Data) -> Size | None:
    """None for an image folder: it is counted when it is prepared."""
    if data.kind in GENERATED:
        return Size(data.train, data.test, data.unlabeled, GENERATED[data.kind])
    full = KNOWN.get(data.kind)
    if full is None:
        return None
    return Size(data.train or full.train, data.test or full.test, full.unlabeled, full.classes)
