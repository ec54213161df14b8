"""How many images a prepared data set will have, known before it is prepared."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from nassl.files import InputError
from nassl.settings import Data, SettingsError
from stages.layouts.remarks import Remarks

if TYPE_CHECKING:
    from stages.layouts.folders import Layout


@dataclass(frozen=True)
class Size:
    """`label_free` images are those that search and pretraining without labels may use."""

    train: int
    test: int
    unlabeled: int
    classes: int  # 0: no labels

    @property
    def label_free(self) -> int:
        return self.unlabeled or self.train


KNOWN = {  # the official releases
    "cifar10": Size(50_000, 10_000, 0, 10),
    "cifar100": Size(50_000, 10_000, 0, 100),
    "stl10": Size(5_000, 8_000, 100_000, 10),
    "imagenet": Size(1_281_167, 50_000, 0, 1000),
}
PARTS = ("train", "test", "unlabeled")
SHOWN = 20  # classes that are named
GENERATED = {"digits": 10, "shapes": 24}  # classes


def expected_size(data: Data) -> Size | None:
    """None for an image folder that is not on this machine: it is counted when it is prepared.

    Raises SettingsError for a folder or an archive that holds no images, or in no known layout.
    """
    if data.kind in GENERATED:
        return Size(data.train, data.test, data.unlabeled, GENERATED[data.kind])
    if data.kind == "folder":
        full = _size(data.root) if data.root and Path(data.root).exists() else None
    else:
        full = KNOWN.get(data.kind)
    if full is None:
        return None
    test = full.test or round(full.train * data.test_fraction)
    train = full.train if full.test else full.train - test
    pool = full.unlabeled
    if pool and data.unlabeled_with_train:
        pool += train
    return Size(data.train or train, data.test or test, data.unlabeled or pool, full.classes)


def counted(root: str) -> Size | None:
    """None for what holds no image. Raises SettingsError for images in no known layout."""
    from stages.layouts.files import NoImages, image_files

    try:
        with image_files(Path(root)):
            pass
    except NoImages:
        return None
    except InputError as error:
        raise SettingsError(str(error)) from error
    return _size(root)


def _size(root: str) -> Size:
    """Image files by part, from their names alone; `prepare` may still find some unreadable."""
    layout = _layout(root)
    count = dict.fromkeys(PARTS, 0)
    for part, names in layout.counts().items():
        count[part] += sum(names.values())
    return Size(**count, classes=len(layout.classes or []))


def described(name: str, data: Data) -> list[str]:
    """Lines that say how an image folder was interpreted: its parts, its classes with their images,
    what is left out. Nothing for other kinds, and for a folder that is not on this machine."""
    from stages.layouts.folders import remark_on_classes

    if data.kind != "folder" or not data.root or not Path(data.root).exists():
        return []
    layout = _layout(data.root)
    counts = layout.counts()
    parts = ", ".join(f"{sum(counts[part].values())} {part}" for part in PARTS if part in counts)
    labelled = [counts[part] for part in ("train", "test") if part in counts]
    each = [f"{c} ({sum(names[c] for names in labelled)})" for c in layout.classes or []]
    more = f" and {len(each) - SHOWN} more" if len(each) > SHOWN else ""
    classes = f"{len(each)} classes: {', '.join(each[:SHOWN])}{more}" if each else "no classes"
    remarks = Remarks(dict(layout.remarks.found))
    if layout.classes:
        remark_on_classes(counts, layout.classes, remarks)
    return [f"data.{name}: {parts}; {classes}", *(f"  {line}" for line in remarks.lines())]


@cache
def _layout(root: str) -> Layout:
    from stages.layouts.files import image_files
    from stages.layouts.folders import arrange

    try:
        with image_files(Path(root)) as files:
            return arrange(files.found, Path(root))
    except InputError as error:
        raise SettingsError(str(error)) from error
