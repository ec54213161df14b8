"""The two shares of the images of a search: one for the weights, one for the architecture."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch

from nassl.data.batches import Batch, Batches
from nassl.data.images import Images, class_names, open_images, open_labels, split
from nassl.parallel.processes import rank, world_size
from stages.runs.run import Run

OTHER_ORDER = 1_000_003  # added to the seed: where both shares are all images, not the same batches


@dataclass(frozen=True)
class SearchData:
    images: Images
    classes: int  # 0: no label was opened
    training: Batches  # for the weights
    validation: Batches  # for the architecture, in another order every epoch
    # The same images as validation, in a fixed order, to evaluate on: whole batches in each process
    held_out: Batches


def open_search_data(
    run: Run,
    inputs: Namespace,
    device: torch.device,
    validation_fraction: float,
    separate_sets: bool = True,
) -> SearchData:
    """Splits the training images as recorded; without `separate_sets` both shares are all of them
    (SSNAS sec. 4.4). Opens `inputs.labels` only if the objective needs labels, and then raises
    InputError if there are none.
    """
    supervised = run.settings["objective"].needs_labels
    part = "train" if supervised else "label-free"
    labels = open_labels(inputs.labels, part) if supervised else None
    classes = len(class_names(inputs.labels)) if supervised else 0
    images = open_images(inputs.images, part)
    if separate_sets:
        ours, theirs = split(inputs.images, validation_fraction, part)
    else:
        ours, _ = split(inputs.images, 0.0, part)
        theirs = ours

    def batches(indices: Any, seed: int, shuffle: bool = True) -> Batches:
        size, part = (
            run.settings["recipe"].batch_size,
            (rank(), world_size()) if shuffle else (0, 1),
        )
        return Batches(
            images, labels, indices, size, seed, shuffle=shuffle, device=device, part=part
        )

    seed = run.line.seed
    return SearchData(
        images,
        classes,
        batches(ours, seed),
        batches(theirs, seed + OTHER_ORDER),
        batches(theirs, seed, shuffle=False),
    )


class Cycle:
    """Batches over and over; the one at a place is always the same, wherever the reading began."""

    def __init__(self, batches: Batches) -> None:
        self.batches = batches
        self._next = -1
        self._iterator: Iterator[tuple[int, Batch]] = iter(())

    def at(self, place: int) -> Batch:
        """Batch number `place` from the start of the run; cheap if asked for one after another."""
        epoch, step = divmod(place, len(self.batches))
        if place != self._next or step == 0:
            self._iterator = self.batches.epoch(epoch, step)
        self._next = place + 1
        return next(self._iterator)[1]
