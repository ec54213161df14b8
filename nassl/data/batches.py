"""Batches in an order that is a pure function of (seed, epoch); waiting for them is measured."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import torch

from nassl.data.crops import Crops
from nassl.data.images import Images
from nassl.files import InputError
from nassl.parallel import path

AHEAD = 4  # batches that are decoded while one is being used


class Batch(NamedTuple):
    images: torch.Tensor  # uint8 (B, 3, H, W), or (B, views, 3, S, S) cropped, on the device
    labels: torch.Tensor | None  # int64 (B,) on the device


class Batches:
    """Batches of `images[indices]`; `labels`, if given, are those of all images, (N,).

    Packed images are gathered in the calling thread: that takes microseconds, less than handing
    them to another thread. A GPU holds them all, and gathers its batches itself. Images that must
    be decoded are decoded `AHEAD` batches in advance in `workers` threads (Pillow releases the
    interpreter's lock while it decodes and resizes, and threads start at once, whereas a process
    would import torch first). `waiting_share` reports the time that was still spent waiting.

    `crops`, if given, are cut from the files of images that must be decoded, which come as squares
    otherwise; they depend on (seed, epoch, image). Packed images are cropped on the device.

    `part` = (number, parts): where several processes share every batch equally, the rows of process
    `number`.

    Raises InputError if there are fewer images than one batch and the rest is dropped, or if a
    batch cannot be shared equally.
    """

    def __init__(
        self,
        images: Images,
        labels: torch.Tensor | None,
        indices: np.ndarray,
        batch_size: int,
        seed: int,
        drop_last: bool = True,
        *,
        shuffle: bool = True,
        device: torch.device | str = "cpu",
        workers: int | None = None,
        part: tuple[int, int] = (0, 1),
        crops: Crops | None = None,
    ) -> None:
        if labels is not None and len(labels) != len(images):
            raise InputError(
                f"there are {len(images)} images and {len(labels)} labels; prepare them together"
            )
        if len(indices) == 0 or (drop_last and len(indices) < batch_size):
            raise InputError(
                f"{len(indices)} images do not fill one batch of {batch_size}; "
                "lower recipe.batch_size or prepare more images"
            )
        self._number, self._parts = part
        if self._parts > 1 and (batch_size % self._parts or not drop_last):
            raise InputError(
                f"recipe.batch_size is {batch_size}, which {self._parts} devices cannot share "
                "equally; make it a multiple of that, or change resources.<stage>.gpus"
            )
        self.images, self.labels = images, labels
        self.indices = np.asarray(indices)
        self.batch_size, self.seed, self.drop_last = batch_size, seed, drop_last
        self.shuffle, self.device = shuffle, torch.device(device)
        self.workers, self.crops = workers, crops
        self.waited_seconds = 0.0
        self.elapsed_seconds = 0.0

    def __len__(self) -> int:
        """Batches in an epoch."""
        whole = len(self.indices) / self.batch_size
        return math.floor(whole) if self.drop_last else math.ceil(whole)

    @property
    def waiting_share(self) -> float:
        """Share, 0 to 1, of the wall time inside `epoch` that was spent waiting for batches."""
        return self.waited_seconds / self.elapsed_seconds if self.elapsed_seconds else 0.0

    def order(self, epoch: int) -> np.ndarray:
        """The indices in the order of `epoch`."""
        if not self.shuffle:
            return self.indices
        return np.random.default_rng([self.seed, epoch]).permutation(self.indices)

    def epoch(self, epoch: int, start_step: int = 0) -> Iterator[tuple[int, Batch]]:
        """(step, batch) from `start_step` on; the same ones as if the epoch had run from step 0."""
        order, size = self.order(epoch), self.batch_size
        steps = range(start_step, len(self))
        share = size // self._parts
        first = self._number * share
        places = (slice(step * size, (step + 1) * size) for step in steps)
        chosen = (order[place][first : first + share] for place in places)
        if (pixels := self._resident()) is not None:
            made = self._gathered(pixels, chosen)
        else:
            made = self._ahead(chosen, epoch) if self.images.decodes else map(self._make, chosen)
        begun = time.perf_counter()
        for step in steps:
            asked = time.perf_counter()
            batch = self._on_device(next(made))
            now = time.perf_counter()
            self.waited_seconds += now - asked
            yield step, batch
            self.elapsed_seconds += time.perf_counter() - begun
            begun = time.perf_counter()

    def _resident(self) -> torch.Tensor | None:
        if self.device.type == "cpu" and not path.forced:
            return None
        find = getattr(self.images, "resident", None)  # features have none
        return find(self.device) if find else None

    def _gathered(self, pixels: torch.Tensor, chosen: Iterator[np.ndarray]) -> Iterator[Batch]:
        """Batches of pixels (N, H, W, 3) on the device: an epoch's indices go there at once."""
        rows = list(chosen)
        labels = None if self.labels is None else self.labels.to(self.device)
        flat = torch.from_numpy(np.concatenate(rows)).to(self.device)
        for index in flat.split([len(row) for row in rows]):
            taken = None if labels is None else labels.index_select(0, index)
            yield Batch(pixels.index_select(0, index).permute(0, 3, 1, 2), taken)

    def _make(self, chosen: np.ndarray) -> Batch:
        labels = None if self.labels is None else self.labels[torch.from_numpy(chosen)]
        return Batch(self.images.batch(chosen), labels)

    def _on_device(self, batch: Batch) -> Batch:
        if batch.images.device == self.device:
            return batch

        def moved(tensor: torch.Tensor) -> torch.Tensor:
            return tensor.pin_memory().to(self.device, non_blocking=True)

        return Batch(moved(batch.images), None if batch.labels is None else moved(batch.labels))

    def _decoded(self, index: int, epoch: int) -> torch.Tensor:
        if self.crops is None:
            return self.images.batch([index])
        return self.images.cropped(index, self.crops, self.seed, epoch)

    def _ahead(self, chosen: Iterator[np.ndarray], epoch: int) -> Iterator[Batch]:
        """Every image is a task of its own, so that one large batch also uses all workers."""
        from nassl.image_files.decode import decoding_threads

        pool = ThreadPoolExecutor(self.workers or decoding_threads(), thread_name_prefix="decode")
        pending: list[tuple[np.ndarray, list[Future[torch.Tensor]]]] = []

        def submit() -> None:
            for indices in chosen:
                jobs = [pool.submit(self._decoded, index, epoch) for index in indices]
                pending.append((indices, jobs))
                return

        try:
            for _ in range(AHEAD):
                submit()
            while pending:
                indices, jobs = pending.pop(0)
                pixels = torch.cat([job.result() for job in jobs])
                submit()
                labels = None if self.labels is None else self.labels[torch.from_numpy(indices)]
                yield Batch(pixels, labels)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
