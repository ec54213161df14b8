"""Prepared detection data in Detectron2's catalogs, and training batches by iteration.

What an iteration sees is a function of the seed and the iteration alone, whatever the number of
worker processes, so that a resumed training continues with exactly the images that would have come
next.
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
from detectron2.data import DatasetCatalog, MetadataCatalog, get_detection_dataset_dicts
from detectron2.structures import BoxMode
from torch.utils.data import DataLoader, Dataset

from nassl.files import InputError, read_json
from nassl.image_files.sources import load_digests, unchanged
from nassl.parallel.processes import rank, world_size
from nassl.training.seeds import seed_step
from stages.transfer.mapper import Mapper, Raised


@dataclass(frozen=True)
class Registered:
    """A prepared data set: its manifest, where its files are, the names of its parts."""

    manifest: dict[str, Any]
    labels: Path
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

    def train_images(self) -> list[dict[str, Any]]:
        return DatasetCatalog.get(self.train)

    def test_images(self) -> list[dict[str, Any]]:
        return DatasetCatalog.get(self.test)


def register(labels: Path, name: str) -> Registered:
    """Tells Detectron2 of the data that `prepare` wrote to `labels`.

    Raises InputError if it has no boxes, or if an annotation file that they were read from has
    changed since.
    """
    manifest = read_json(labels / "manifest.json")
    if "layout" not in manifest:
        raise InputError(
            f"{labels / 'manifest.json'} lists no boxes; transfer needs data of the kinds voc, "
            "coco, scenes-voc or scenes-coco"
        )
    root = labels / manifest["root"]  # an absolute root stays as it is
    for file, sha256 in read_json(labels / "annotation-files.json").items():
        unchanged(root / file, bytes.fromhex(sha256), manifest["maker"])
    for part in ("train", "test"):
        key = f"{name}-{part}"
        if key in DatasetCatalog.list():
            DatasetCatalog.remove(key)
            MetadataCatalog.remove(key)
        DatasetCatalog.register(key, partial(_read, labels, part, root, manifest["maker"]))
        # Names for the evaluators: those of the data set may be invalid as file names.
        names = [class_name(number) for number in range(len(manifest["classes"]))]
        MetadataCatalog.get(key).set(thing_classes=names)
    return Registered(manifest, labels, root, f"{name}-train", f"{name}-test")


def class_name(number: int) -> str:
    """What Detectron2 calls a class."""
    return f"class-{number}"


def _read(labels: Path, part: str, root: Path, maker: str) -> list[dict[str, Any]]:
    """The images of a part as Detectron2 wants them, with what `read_picture` needs."""
    images = json.loads((labels / f"{part}.json").read_text())
    digests = load_digests(labels / f"sha256-{part}.npy", len(images))
    for image, digest in zip(images, digests, strict=True):
        image["file_name"] = str(root / image["file_name"])
        image["sha256"], image["maker"] = bytes(digest), maker
        for box in image["annotations"]:
            box["bbox_mode"] = BoxMode(box["bbox_mode"])
    return images


def training_batches(
    cfg: CfgNode, seed: int, first: int, stream: str = "training"
) -> Iterator[list[dict[str, Any]]]:
    """Batches of Detectron2's mapped images from iteration `first` on, without end.

    Raises InputError if too few training images have a box, or if a file has changed.
    """
    images = get_detection_dataset_dicts(
        list(cfg.DATASETS.TRAIN), filter_empty=cfg.DATALOADER.FILTER_EMPTY_ANNOTATIONS
    )
    if len(images) < cfg.SOLVER.IMS_PER_BATCH:
        raise InputError(
            f"{len(images)} training images have boxes; a batch takes {cfg.SOLVER.IMS_PER_BATCH}"
        )
    keys = (
        batch[rank() :: world_size()]  # several processes share a batch
        for batch in islice(_keys(images, cfg.SOLVER.IMS_PER_BATCH, seed), first, None)
    )
    loader = DataLoader(
        _Mapped(images, Mapper(cfg, is_train=True), seed, stream),
        batch_sampler=keys,
        num_workers=cfg.DATALOADER.NUM_WORKERS,
        collate_fn=list,
    )
    return iter(Raised(loader))


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

    def __init__(self, images: list[dict], mapper: Mapper, seed: int, stream: str) -> None:
        self.images, self.mapper, self.seed, self.stream = images, mapper, seed, stream

    def __getitem__(self, key: tuple[int, int, int]) -> dict[str, Any]:
        iteration, place, index = key
        seed_step(self.seed, iteration, place, self.stream)
        np.random.seed(torch.initial_seed() % 2**32)  # noqa: NPY002 - Detectron2 draws from it
        return self.mapper(self.images[index])
