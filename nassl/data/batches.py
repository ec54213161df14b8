"""Batches in an order that is a pure function of (seed, epoch); waiting for them is measured."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
import torch

from nassl.data.crops import Crops
from nassl.data.images import Images
from nassl.data.nvjpeg import NVJPEG, PILLOW, Encoded, NvJpeg
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
    be decoded are decoded `AHEAD` batches in advance in `workers` threads, as many as torch
    computes with if that is not given (Pillow releases the interpreter's lock while it decodes and
    resizes, and threads start at once, whereas a process would import torch first). Their number
    changes no pixel. `waited_seconds` is the time that was still spent waiting.

    `crops`, if given, are cut from the files of images that must be decoded, which come as squares
    otherwise; they depend on (seed, epoch, image). Packed images are cropped on the device. Crops
    of images whose `decoder` is nvjpeg are decoded by the GPU that needs them (`nvjpeg`).

    `part` = (number, parts): where several processes share every batch equally, the rows of process
    `number`.

    Raises InputError if there are fewer images than one batch and the rest is dropped, if a batch
    cannot be shared equally, or if nvJPEG is to decode and `device` is no GPU.
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
        on_gpu = crops is not None and getattr(images, "decoder", PILLOW) == NVJPEG
        self._gpu_decoder = NvJpeg(self.device) if on_gpu else None
        self.waited_seconds = 0.0

    def __len__(self) -> int:
        """Batches in an epoch."""
        whole = len(self.indices) / self.batch_size
        return math.floor(whole) if self.drop_last else math.ceil(whole)

    @property
    def decoding_threads(self) -> int:
        """0 if nothing is decoded. Of torch's, which a run has from its plan: where a GPU computes,
        they have little else to do."""
        return (self.workers or torch.get_num_threads()) if self.images.decodes else 0

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
        for step in steps:
            asked = time.perf_counter()
            batch = self._on_device(next(made))
            self.waited_seconds += time.perf_counter() - asked
            yield step, batch

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
        def moved(tensor: torch.Tensor) -> torch.Tensor:
            if tensor.device == self.device:
                return tensor
            return tensor.pin_memory().to(self.device, non_blocking=True)

        return Batch(moved(batch.images), None if batch.labels is None else moved(batch.labels))

    def _decoded(self, index: int, epoch: int) -> torch.Tensor | Encoded:
        if self.crops is None:
            return self.images.batch([index])
        if self._gpu_decoder:
            return self.images.encoded(index, self.crops, self.seed, epoch)
        return self.images.cropped(index, self.crops, self.seed, epoch)

    def _ahead(self, chosen: Iterator[np.ndarray], epoch: int) -> Iterator[Batch]:
        """Every image is a task of its own, so that one large batch also uses all workers."""
        pool = ThreadPoolExecutor(self.decoding_threads, thread_name_prefix="decode")
        together: Callable[[list[Any]], torch.Tensor] = self._gpu_decoder or torch.cat
        pending: list[tuple[np.ndarray, list[Future[torch.Tensor | Encoded]]]] = []

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
                pixels = together([job.result() for job in jobs])
                submit()
                labels = None if self.labels is None else self.labels[torch.from_numpy(indices)]
                yield Batch(pixels, labels)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
