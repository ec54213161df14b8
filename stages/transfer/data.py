"""Prepared detection data in Detectron2's catalogs, and training batches by iteration.

What an iteration sees is a function of the seed and the iteration alone, whatever the number of
worker processes, so that a resumed training goes on with the very images that would have come.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from detectron2.config import CfgNode
from detectron2.data import (
    DatasetCatalog,
    DatasetMapper,
    MetadataCatalog,
    get_detection_dataset_dicts,
)
from detectron2.structures import BoxMode
from torch.utils.data import DataLoader, Dataset

from stages.core.command import InputError, read_json
from stages.core.training.device import seed_step


@dataclass(frozen=True)
class Registered:
    """A prepared data set: its manifest, where its files are, the names of its parts."""

    manifest: dict[str, Any]
    root: Path
    train: str
    test: str

    @property
    def classes(self) -> list[str]:
        return self.manifest["classes"]

    @property
    def layout(self) -> str:
        return self.manifest["layout"]

    @property
    def category_ids(self) -> list[int]:
        """The data set's own number of every class."""
        return self.manifest.get("category_ids") or list(range(len(self.classes)))

    def test_images(self) -> list[dict[str, Any]]:
        return DatasetCatalog.get(self.test)


def register(labels: Path, name: str) -> Registered:
    """Tells Detectron2 of the data that `prepare` wrote to `labels`.

    Raises InputError if it has no boxes.
    """
    manifest = read_json(labels / "manifest.json")
    if "layout" not in manifest:
        raise InputError(
            f"{labels / 'manifest.json'} lists no boxes; transfer needs data of the kinds voc, "
            "coco, scenes-voc or scenes-coco"
        )
    root = labels / manifest["root"]  # an absolute root stays as it is
    for part in ("train", "test"):
        key = f"{name}-{part}"
        if key in DatasetCatalog.list():
            DatasetCatalog.remove(key)
            MetadataCatalog.remove(key)
        DatasetCatalog.register(key, partial(_read, labels / f"{part}.json", root))
        MetadataCatalog.get(key).set(thing_classes=manifest["classes"])
        if ids := manifest.get("category_ids"):
            numbers = {identity: number for number, identity in enumerate(ids)}
            MetadataCatalog.get(key).set(thing_dataset_id_to_contiguous_id=numbers)
    return Registered(manifest, root, f"{name}-train", f"{name}-test")


def _read(file: Path, root: Path) -> list[dict[str, Any]]:
    """The images of a part as Detectron2 wants them."""
    images = json.loads(file.read_text())
    for image in images:
        image["file_name"] = str(root / image["file_name"])
        for box in image["annotations"]:
            box["bbox_mode"] = BoxMode(box["bbox_mode"])
    return images


def training_batches(
    cfg: CfgNode, seed: int, first: int, stream: str = "training"
) -> Iterator[list[dict[str, Any]]]:
    """Batches of Detectron2's mapped images from iteration `first` on, without end.

    Raises InputError if no training image has a box.
    """
    images = get_detection_dataset_dicts(
        list(cfg.DATASETS.TRAIN), filter_empty=cfg.DATALOADER.FILTER_EMPTY_ANNOTATIONS
    )
    if len(images) < cfg.SOLVER.IMS_PER_BATCH:
        raise InputError(
            f"{len(images)} training images have boxes; a batch takes {cfg.SOLVER.IMS_PER_BATCH}"
        )
    keys = islice(_keys(images, cfg.SOLVER.IMS_PER_BATCH, seed), first, None)
    loader = DataLoader(
        _Mapped(images, DatasetMapper(cfg, is_train=True), seed, stream),
        batch_sampler=keys,
        num_workers=cfg.DATALOADER.NUM_WORKERS,
        collate_fn=list,
    )
    return iter(loader)


def _keys(images: list[dict], batch: int, seed: int) -> Iterator[list[tuple[int, int, int]]]:
    """For every iteration (iteration, place in the batch, index of the image).

    Epochs of shuffled images; wide and high ones are kept in batches of their own, as Detectron2's
    loader does to pad less.
    """
    wide = [image["width"] > image["height"] for image in images]
    buckets: dict[bool, list[int]] = {False: [], True: []}
    iteration = epoch = 0
    while True:
        for index in np.random.default_rng([seed, epoch]).permutation(len(images)).tolist():
            bucket = buckets[wide[index]]
            bucket.append(index)
            if len(bucket) == batch:
                yield [(iteration, place, index) for place, index in enumerate(bucket)]
                bucket.clear()
                iteration += 1
        epoch += 1


class _Mapped(Dataset):
    """Images read and augmented; Detectron2's augmentations draw from NumPy's generator."""

    def __init__(self, images: list[dict], mapper: DatasetMapper, seed: int, stream: str) -> None:
        self.images, self.mapper, self.seed, self.stream = images, mapper, seed, stream

    def __getitem__(self, key: tuple[int, int, int]) -> dict[str, Any]:
        iteration, place, index = key
        seed_step(self.seed, iteration, place, self.stream)
        np.random.seed(torch.initial_seed() % 2**32)  # noqa: NPY002 - Detectron2 draws from it
        return self.mapper(self.images[index])
