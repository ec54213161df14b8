"""What checkpoints cost a pretraining of the toy plan's size.

Claim:
  checkpoint_overhead  share of the wall time that goes into writing checkpoints as often as the
                       stages do by default: at ends of epochs, at least 10 s apart. `ours` is the
                       time of a pretraining with them, `other` that without (a checkpoint is never
                       due), run in turn; the ratio is the seconds inside `Checkpoint.save` over
                       those of the run, because a share this small is lost in the noise between two
                       runs. `often` is the share with a checkpoint after every step.

Example: `python -m benchmarks.checkpoint` (two minutes).
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from benchmarks.measure import command, record
from benchmarks.prepared import prepared_images
from benchmarks.pretrain import SETTINGS
from nassl.networks.resnet import ResNet
from nassl.settings import Network, Recipe
from nassl.training.checkpoint import INTERVAL, LEAST, Checkpoint, Checkpoints
from nassl.training.discrete import fit, initial_objective
from stages.training.curves import WrittenCurves

CHANNELS, COUNT, SIDE, EPOCHS, BATCH = 16, 1000, 16, 25, 64  # ResNet-18 as in the toy plan
NEVER = float("inf")


class Timed:
    """Seconds and number of calls of `Checkpoint.save` while entered."""

    def __enter__(self) -> Timed:
        self.seconds, self.calls, self.bytes, self._save = 0.0, 0, 0, Checkpoint.save

        def save(checkpoint: Checkpoint, *arguments: object) -> None:
            start = time.perf_counter()
            self._save(checkpoint, *arguments)
            self.seconds += time.perf_counter() - start
            self.calls, self.bytes = self.calls + 1, checkpoint.last.stat().st_size

        Checkpoint.save = save
        return self

    def __exit__(self, *_: object) -> None:
        Checkpoint.save = self._save


def pretraining(folder: Path, epochs: int, interval: float, least: float) -> float:
    """Wall seconds of a SimCLR pretraining that checkpoints after so many seconds."""
    torch.manual_seed(0)
    network = ResNet(18, Network("cifar", CHANNELS, 0))
    images = prepared_images(folder / "images", {"train": COUNT}, SIDE)["train"]
    objective = initial_objective(SETTINGS, network, images, COUNT, 0)
    recipe = Recipe(epochs, BATCH, "adam", 1e-3, "cosine", 0.0)
    with Checkpoints(folder / "checkpoints", "benchmark") as checkpoints:
        checkpoints.interval, checkpoints.least = interval, least
        if least == 0:
            checkpoints.share = NEVER
        start = time.perf_counter()
        fit(
            network, objective, images, None, np.arange(COUNT), recipe, 0,
            checkpoints.part(), WrittenCurves(folder / "curves"), "pretraining",
        )  # fmt: skip
        return time.perf_counter() - start


def checkpoint_overhead(rounds: int) -> None:
    walls: dict[str, list[float]] = {"with": [], "without": []}
    shares, saves = [], 0
    for _ in range(rounds):
        for name, (interval, least) in {
            "without": (NEVER, NEVER),
            "with": (INTERVAL, LEAST),
        }.items():
            with tempfile.TemporaryDirectory() as folder, Timed() as timed:
                wall = pretraining(Path(folder), EPOCHS, interval, least)
            walls[name].append(wall)
            if name == "with":
                shares.append(timed.seconds / wall)
                saves += timed.calls
    with tempfile.TemporaryDirectory() as folder, Timed() as timed:
        wall = pretraining(Path(folder), 2, 0, 0)
        often = timed.seconds / wall
    ours, other = (float(np.median(walls[name])) for name in ("with", "without"))
    note = (
        f"{saves / rounds:.0f} checkpoints of {timed.bytes / 1e6:.1f} MB a run, "
        f"{timed.seconds / timed.calls * 1e3:.0f} ms each; {often:.1%} if after every step"
    )
    record(
        "checkpoint_overhead", ours, other, float(np.median(shares)), "s", rounds, note=note,
        often=often,
    )  # fmt: skip


CLAIMS = {"checkpoint_overhead": checkpoint_overhead}


if __name__ == "__main__":
    command(__doc__, CLAIMS, rounds=3)
