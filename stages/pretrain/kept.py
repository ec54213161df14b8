"""Weights kept on the way, for a curve of accuracy over epochs: no label is read here."""

from __future__ import annotations

import shutil
from pathlib import Path

from torch import nn

from nassl.parallel.processes import rank
from nassl.training.loop import Companion
from nassl.training.weights import save_weights

FOLDER = "kept"  # <epoch>.safetensors, epochs counted from 1


class KeptWeights(Companion):
    """Saves the network after every `every`-th epoch beside the run's checkpoints, where a kill
    leaves them. An epoch that runs again writes the same bytes again."""

    def __init__(self, network: nn.Module, every: int, checkpoints: Path) -> None:
        self.network, self.every, self.folder = network, every, checkpoints / FOLDER

    def after_epoch(self, epoch: int) -> dict[str, float]:
        if self.every and (epoch + 1) % self.every == 0 and rank() == 0:
            save_weights(self.folder / f"{epoch + 1:05d}.safetensors", self.network)
        return {}

    def hand_over(self, out: Path, epochs: int) -> None:
        """Copies those of this run's epochs to `out`."""
        shutil.rmtree(out / FOLDER, ignore_errors=True)
        for epoch in range(self.every, epochs + 1, self.every) if self.every else ():
            (out / FOLDER).mkdir(exist_ok=True)
            name = f"{epoch:05d}.safetensors"
            if rank() == 0:
                shutil.copyfile(self.folder / name, out / FOLDER / name)
