"""Section `data`."""

from __future__ import annotations

from dataclasses import dataclass

# Kinds with boxes and masks, for transfer: on disk in the genuine layouts, or generated in them.
ANNOTATED = ("voc", "coco", "scenes-voc", "scenes-coco")


@dataclass
class Data:
    """What `prepare` turns into images and labels."""

    kind: str  # digits, shapes, cifar10, cifar100, stl10, imagenet, folder, or one of ANNOTATED
    image_size: int = 0  # side in pixels after preparation; 0 for voc and coco: as they are
    seed: int = 0  # of drawing, of the recorded order, of splits
    root: str = ""  # where real data lies, or is downloaded to
    download: bool = False
    on_error: str = "stop"  # stop | skip: an image that cannot be read
    train: int = 0  # images; 0 = all
    test: int = 0
    unlabeled: int = 0  # an extra pool without labels (digits, stl10)
    test_fraction: float = 0.0  # folder without a test part: the share that becomes one
    unlabeled_with_train: bool = False  # folder: the images of train are in that pool, too
