"""A whole epoch of SSNAS' search, data included, against DARTS' loop with per-image transforms.

Claim (other / ours, wall time):
  search_epoch   C = 8, 5 cells, 16x16 images, batches of 64: 256 images, half of them for alpha,
                 so 2 iterations of an alpha and a w step, then the loss on the held-out half

Ours is the search of the stage (`search_darts`) with all that belongs to it: prepared images,
views, curves, checkpoint, deterministic kernels. The other side is the literal supernet
(tests/oracles/literal_supernet.py) with DARTS' steps, fed by a DataLoader with torchvision's
transforms on every Pillow image.

Example: `python -m benchmarks.search_epoch` (a minute).
"""

from __future__ import annotations

import contextlib
import io
import tempfile
from argparse import Namespace
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from torch import nn

from benchmarks.measure import command, compare, interleaved
from benchmarks.prepared import prepared_images
from benchmarks.views import simclr_views, torchvision_transform
from nassl.data.images import Images, split
from nassl.objectives.simclr import nt_xent, similarities
from nassl.settings import CellSpace
from nassl.supernets.cell import Supernet
from nassl.training.checkpoint import Checkpoints
from stages.runs.run import Run, resolve_run
from stages.search.darts import search_darts
from tests.oracles.literal_supernet import literal_like

CHANNELS, CELLS, SIDE, BATCH, COUNT = 8, 5, 16, 64, 256
TEMPERATURE, CLIP = 0.5, 5.0


def our_run() -> Run:
    """The settings of the run, as a plan would give them."""
    line = {"data": "noise", "labels": "no-labels", "seed": 0}
    line |= dict.fromkeys(("space", "strategy", "objective", "recipe"), "one")
    darts = {"kind": "darts", "order": 1, "separate_sets": True, "validation_fraction": 0.5}
    darts |= {"alpha_learning_rate": 3e-4, "alpha_betas": [0.5, 0.999], "alpha_weight_decay": 1e-3}
    simclr = {"kind": "simclr", "temperature": TEMPERATURE, "hidden": 0, "projection": 128}
    recipe = {"epochs": 1, "batch_size": BATCH, "optimizer": "sgd", "learning_rate": 0.025}
    recipe |= {"schedule": "cosine", "momentum": 0.9, "weight_decay": 3e-4, "clip": CLIP}
    resources = {"memory_mb": 2000, "gpus": 0, "retries": 0, "minutes": 10}
    tree = {
        "search": {"epoch": line},
        "space": {"one": asdict(CellSpace("cell", CHANNELS, CELLS, "cifar"))},
        "strategy": {"one": darts},
        "objective": {"one": simclr | {"views": asdict(simclr_views())}},
        "recipe": {"one": recipe},
        "resources": {"search": resources | {"threads": torch.get_num_threads()}},
    }
    return resolve_run("search", "epoch", tree, "the benchmark")


def our_epoch(folder: Path) -> Callable[[], None]:
    run, inputs = our_run(), Namespace(images=folder / "images", labels=folder / "no-labels")

    def epoch() -> None:
        with (
            Checkpoints(folder / "checkpoints", "benchmark") as checkpoints,
            contextlib.redirect_stderr(io.StringIO()),
        ):
            search_darts(run, inputs, folder / "out", checkpoints)
        torch.use_deterministic_algorithms(False)  # which the search has asked for

    return epoch


class Pairs(torch.utils.data.Dataset):
    """Two views of a Pillow image made from an array in memory."""

    def __init__(self, pixels: np.ndarray) -> None:
        self.pixels, self.transform = pixels, torchvision_transform(SIDE)

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        from PIL import Image

        image = Image.fromarray(self.pixels[index])
        return self.transform(image), self.transform(image)


def usual_epoch(folder: Path, images: Images) -> Callable[[], None]:
    """As DARTS' train_search.py and architect.py, with NT-Xent."""
    space = CellSpace("cell", CHANNELS, CELLS, "cifar")
    network = literal_like(Supernet(space), space)
    width = network.feature_dim
    head = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 128))
    weights = [*network.weight_parameters(), *head.parameters()]
    optimizer = torch.optim.SGD(weights, 0.025, momentum=0.9, weight_decay=3e-4)
    alphas = network.architecture_parameters()
    alpha_optimizer = torch.optim.Adam(alphas, 3e-4, (0.5, 0.999), weight_decay=1e-3)
    training, validation = (
        torch.utils.data.DataLoader(
            Pairs(images.batch(indices).permute(0, 2, 3, 1).contiguous().numpy()),
            BATCH,
            shuffle=True,
            drop_last=True,
        )
        for indices in split(folder / "images", 0.5)
    )

    def loss(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        projected = head(network(torch.cat([first, second])))
        return nt_xent(similarities(projected), TEMPERATURE).mean()

    def epoch() -> None:
        network.train()
        for pair, held_out in zip(training, validation, strict=True):
            alpha_optimizer.zero_grad()
            loss(*held_out).backward()
            alpha_optimizer.step()
            optimizer.zero_grad()
            loss(*pair).backward()
            nn.utils.clip_grad_norm_(weights, CLIP)
            optimizer.step()
        network.eval()
        with torch.no_grad():
            for pair in validation:
                loss(*pair)

    return epoch


def search_epoch(rounds: int) -> None:
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        images = prepared_images(folder / "images", {"train": COUNT}, SIDE)["train"]
        epochs = {"ours": our_epoch(folder), "usual": usual_epoch(folder, images)}
        timings = interleaved(epochs, rounds)
    note = f"{COUNT // 2 // BATCH} iterations of {BATCH} and {BATCH} images"
    compare("search_epoch", timings["ours"], timings["usual"], note=note)


CLAIMS = {"search_epoch": search_epoch}


if __name__ == "__main__":
    command(__doc__, CLAIMS, rounds=3)
