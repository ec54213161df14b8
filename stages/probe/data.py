"""The labelled data that representations are evaluated with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from nassl.data.images import Images, class_names, open_images, open_labels


@dataclass(frozen=True)
class LabelledData:
    """Train and test part; labels are int64 (N,)."""

    train: Images
    train_labels: Tensor
    test: Images
    test_labels: Tensor
    classes: int


def open_labelled(images: Path, labels: Path) -> LabelledData:
    """Raises InputError if a part or its labels are missing."""
    return LabelledData(
        train=open_images(images, "train"),
        train_labels=open_labels(labels, "train"),
        test=open_images(images, "test"),
        test_labels=open_labels(labels, "test"),
        classes=len(class_names(labels)),
    )
