"""A training of a few steps in memory."""

from __future__ import annotations

import argparse
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from nassl.objectives.objective import Objective
from nassl.settings import Recipe
from nassl.training.checkpoint import Checkpoints
from nassl.training.loop import Companion, evaluate, train
from nassl.training.optimisers import build_optimizer
from stages.training.curves import WrittenCurves

RECIPE = argparse.Namespace(
    epochs=3, batch_size=4, optimizer="sgd", learning_rate=0.1, schedule="cosine",
    weight_decay=1e-3, final_learning_rate=0.01, momentum=0.9, milestones=[], warmup_epochs=1,
    clip=5.0, drop_path=0.3, validation_fraction=0.0,
)  # fmt: skip


class Batch(NamedTuple):
    images: torch.Tensor
    labels: torch.Tensor | None


class Batches:
    """Twenty 4x4 images in memory; `stop_at` raises in the middle, like a killed process."""

    batch_size, waited_seconds, decoding_threads = 4, 0.0, 0

    def __init__(self, stop_at=None, then=None):
        self.images = torch.randint(
            0, 256, (20, 3, 4, 4), generator=torch.Generator().manual_seed(0)
        )
        self.stop_at, self.then = stop_at, then

    def __len__(self):
        return 5

    def epoch(self, epoch, start_step=0):
        order = np.random.default_rng([1, epoch]).permutation(20)
        for step in range(start_step, 5):
            if (epoch, step) == self.stop_at:
                self.then()
            yield step, Batch(self.images[order[4 * step : 4 * step + 4]], None)


class Noisy(Objective):
    """A loss with views (noise), a head and batch norm; `scale` makes it diverge."""

    def __init__(self, scale=1.0):
        super().__init__()
        self.head = nn.Linear(5, 2)
        self.scale = scale
        self.register_buffer("steps", torch.zeros(1))

    def loss(self, network, images, labels):
        views = images.float() / 255 + 0.1 * torch.randn(images.shape)
        return self.head(network(views)).square().sum(1).mean() * self.scale

    def evaluate(self, network, images, labels):
        return {"loss": self.head(network(images.float() / 255)).square().sum(1).double()}

    def after_step(self, network):
        self.steps += 1


class Alphas(Companion):
    """Draws in every hook, and keeps a history: state that a checkpoint must hold."""

    def __init__(self):
        self.history = []
        self.offset = 0.0

    def before_epoch(self, epoch):
        self.offset += torch.rand(()).item()

    def before_step(self, epoch, step, batch):
        self.history.append(torch.rand(()).item() + self.offset + step)

    def after_epoch(self, epoch):
        return {"drawn": sum(self.history)}

    def state_dict(self):
        return {"history": self.history, "offset": self.offset}

    def load_state_dict(self, state):
        self.history, self.offset = list(state["history"]), state["offset"]


def run(folder, batches, scale=1.0, rate=0.1):
    torch.manual_seed(3)
    network = nn.Sequential(
        nn.Conv2d(3, 5, 3), nn.BatchNorm2d(5), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    )
    network.drop_path = 0.0
    objective, companion = Noisy(scale), Alphas()
    recipe = Recipe(**{**vars(RECIPE), "learning_rate": rate})
    optimizer = build_optimizer(recipe, [*network.parameters(), *objective.parameters()])
    with Checkpoints(folder / "checkpoints", "f") as checkpoints:
        checkpoints.interval = checkpoints.least = 0.0
        part = checkpoints.part()
        part.due = lambda epoch_ends: True
        curves = WrittenCurves(folder / "curves")
        train(network, objective, optimizer, batches, recipe, 7, part, curves, companion)
        values = evaluate(network, objective, batches, 7)["loss"]
    files = {
        p.relative_to(folder): p.read_bytes() for p in (folder / "curves").rglob("*") if p.is_file()
    }
    return (
        [*network.state_dict().values(), *objective.state_dict().values(), values],
        files,
        companion,
    )
