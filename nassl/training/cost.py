"""What a training cost: wall time and devices."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from nassl.files import write_json
from nassl.manifest import COST, sealed


class Cost:
    """Wall time and devices of a run, for cost.json: kept apart from metrics.json, because they
    differ from machine to machine while metrics must not."""

    def __init__(
        self,
        spent_seconds: float = 0.0,
        devices: int = 1,
        moves: Sequence[str] = (),
        waiting: Sequence[float] = (0.0, 0.0),
    ) -> None:
        """`moves`: what changed when a run continued from another machine's checkpoint. `waiting`:
        seconds that training steps waited for data, and that they took together."""
        self._start = time.monotonic() - spent_seconds
        self._devices = devices
        self.moves = list(moves)
        self.waiting = list(waiting)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._start

    def write(self, folder: Path, device: str = "cpu") -> None:
        """`gpu_days` counts days of devices, also where the device is a CPU (named beside it);
        `waiting_share` is the share, 0 to 1, of the training steps' time that they waited for
        data."""
        seconds = self.seconds
        content = {
            "seconds": seconds,
            "gpu_days": seconds * self._devices / 86400,
            "device": device,
            "devices": self._devices,
        }
        waited, passed = self.waiting
        if passed:
            content["waiting_share"] = waited / passed
        if self.moves:  # then bits may differ from those of an uninterrupted run
            content["moves"] = self.moves
        write_json(folder / COST, sealed(content))
