"""How long the steps of a training waited for their data: said in its log, kept in cost.json."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch

from nassl.training.cost import Cost

WORTH_SAYING = 0.1  # of the time of an epoch's steps. decided: less is not worth a change


class Waiting:
    """`waited()` are the seconds that the training has waited so far; what a run waits is added to
    its `cost`, where a resumed training goes on counting."""

    def __init__(self, waited: Callable[[], float], cost: Cost) -> None:
        self._waited, self._cost = waited, cost
        self._before, self._began = waited(), time.perf_counter()
        self._epoch = [0.0, 0.0]

    def begin(self) -> None:
        """Steps begin: of an epoch, or of the rest of one."""
        self._before, self._began = self._waited(), time.perf_counter()
        self._epoch = [0.0, 0.0]

    def count(self) -> None:
        """Adds what has passed since the steps began, or since the last call."""
        waited, now = self._waited(), time.perf_counter()
        passed = waited - self._before, now - self._began
        self._before, self._began = waited, now
        for counted in (self._epoch, self._cost.waiting):
            for place, seconds in enumerate(passed):
                counted[place] += seconds

    @property
    def share(self) -> float:
        """0 to 1, of the time of this epoch's steps that was counted."""
        waited, passed = self._epoch
        return waited / passed if passed else 0.0


def slowed_down(share: float, threads: int, device: torch.device, nvjpeg: bool = True) -> str:
    """What to say of an epoch on a GPU that waited for a noticeable share of the time, else "".
    `threads` decode images, 0 if none has to; `nvjpeg` could."""
    if device.type != "cuda" or share < WORTH_SAYING:
        return ""
    text = f"the GPU waited {share:.0%} of the time for images"
    if not threads:
        return f"{text}, which are copied to it one batch after the other"
    decode = "1 thread decodes" if threads == 1 else f"{threads} threads decode"
    more = "more of them (resources.<stage>.threads)"
    if nvjpeg:
        more += " or by nvJPEG (+data.<name>.decoder=nvjpeg)"
    return f"{text}, which {decode}: with {more} it would be faster"
