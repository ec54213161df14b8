"""CIFAR-10, CIFAR-100, STL-10 or ImageNet from a folder or an archive of images of one's own, as
`data.cifar100.root=cifar100.zip`: the plan then has an image folder under that name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nassl.settings import DATASETS, SettingsError
from stages.plan.datasets import counted

# What a folder with the publisher's own files has in it (stages/prepare/published.py).
PUBLISHERS = {
    "cifar10": ("cifar-10-b*", "batches.meta.txt"),
    "cifar100": ("cifar-100-*", "fine_label_names.txt"),
    "stl10": ("stl10_binary*", "class_names.txt"),
    "imagenet": (),
}
ROOT_GIVEN = re.compile(r"\+{0,2}data\.([\w-]+)\.root=")


def with_local_copies(data: dict[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    """The section `data` with `kind: folder` for every release whose root was given and holds
    images instead of the publisher's files.

    Raises SettingsError for images that cannot be that release: other classes, or no test part.
    """
    given = {found[1] for override in overrides if (found := ROOT_GIVEN.match(override))}
    return {
        name: _as_folder(name, entry) if name in given and _holds_images(entry) else entry
        for name, entry in data.items()
    }


def _holds_images(entry: dict[str, Any]) -> bool:
    """Whether the root is there and has images in another layout than the release's reader's."""
    kind, root = entry["kind"], Path(entry["root"])
    if kind not in PUBLISHERS or not root.exists():
        return False
    if root.is_dir() and any(any(root.glob(mark)) for mark in PUBLISHERS[kind]):
        return False
    if kind == "imagenet" and (root / "train").is_dir() and (root / "val").is_dir():
        return False
    return counted(entry["root"]) is not None


def _as_folder(name: str, entry: dict[str, Any]) -> dict[str, Any]:
    size, known = counted(entry["root"]), DATASETS[entry["kind"]].released
    where = f"data.{name}.root is {entry['root']!r}, which has"
    instead = (
        f"for images of your own in its place: '+data.mine={{kind: folder, image_size: "
        f"{entry['image_size']}, root: ..., test_fraction: 0.2}}' stand_ins.{name}=mine"
    )
    if size.classes != known.classes:
        raise SettingsError(
            f"{where} {size.classes or 'no'} class folders; {entry['kind']} has {known.classes} "
            f"classes: give all of them, as train/<class>/ and test/<class>/; {instead}"
        )
    if not size.test:
        raise SettingsError(
            f"{where} no test/ (or val/) beside train/; its tables are measured on the release's "
            f"own test images: add them; {instead}"
        )
    if known.unlabeled and not size.unlabeled:
        raise SettingsError(
            f"{where} no unlabeled/ beside train/ and test/; {entry['kind']} has images without "
            f"labels, on which networks are trained: add them; {instead}"
        )
    kept = {key: value for key, value in entry.items() if key != "download"}
    return {**kept, "kind": "folder"}
