"""Trainings on a GPU, step by step: ours as the stages train, literal loops beside them."""

from __future__ import annotations

import contextlib
import io
import itertools
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.views import MEAN, STD, simclr_views
from nassl.data.batches import Batch, Batches
from nassl.data.images import Images
from nassl.data.views import RandomViews
from nassl.genotypes.block import random_blocks
from nassl.genotypes.cell import random_genotype
from nassl.networks.build import build_network
from nassl.objectives.build import build_objective
from nassl.objectives.simclr import nt_xent, similarities
from nassl.parallel.precision import autocast, forbid_tf32, products
from nassl.settings import (
    BlockSpace,
    CellSpace,
    Darts,
    MoCo,
    Network,
    Recipe,
    SimCLR,
    Supervised,
    Views,
)
from nassl.supernets.block import BlockSupernet
from nassl.supernets.cell import Supernet
from nassl.training.checkpoint import Checkpoints
from nassl.training.curves import Curves
from nassl.training.graphs import SWITCH
from nassl.training.loop import Companion, train
from nassl.training.optimisers import build_optimizer
from stages.search.darts import AlphaSteps
from stages.search.data import SearchData
from tests.oracles.literal_supernet import literal_like

MOCO_VIEWS = Views(  # MoCo v2's
    "resized", size=224, crop_scale=[0.2, 1.0], crop_ratio=[3 / 4, 4 / 3], flip=0.5, jitter=0.8,
    brightness=0.4, contrast=0.4, saturation=0.4, hue=0.1, grayscale=0.2, blur=0.5,
    blur_sigma=[0.1, 2.0],
)  # fmt: skip
RETRAIN_VIEWS = Views("padded", padding=4, flip=0.5, cutout=16)


@dataclass(frozen=True)
class Sizes:
    """The work of the rows: the papers', or a little to try the program."""

    channels: int = 16  # of the searched supernet
    cells: int = 8
    batch: int = 64
    retrain: tuple[int, int, int] = (36, 20, 96)  # channels, cells, batch (DARTS' retraining)
    width: int = 64  # of ResNets
    moco: tuple[int, int] = (256, 224)  # batch, side
    depths: tuple[int, ...] = (3, 4, 6, 3)
    steps: int = 12  # that are measured
    warmup: int = 8  # more than are called before a step is recorded
    detector: tuple[int, int] = (800, 1067)


SMALL = Sizes(2, 3, 4, (2, 3, 4), 8, (4, 32), (1, 1), 2, 5, (64, 80))


class Noise(Images):
    """Images in memory; no time depends on what they show."""

    def __init__(self, count: int, side: int) -> None:
        super().__init__({"image_size": side, "mean": MEAN, "std": STD}, count)
        shape = (count, side, side, 3)
        self.pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
        self._there: Tensor | None = None

    def resident(self, device: torch.device) -> Tensor:
        if self._there is None:
            self._there = torch.from_numpy(self.pixels).to(device)
        return self._there

    def _pixels(self, indices: np.ndarray) -> np.ndarray:
        return self.pixels[indices]


class Timed(Batches):
    """Notes when each batch is asked for: after the loss of the step before was read."""

    times: list[float]

    def epoch(self, epoch: int, start_step: int = 0) -> Iterator[tuple[int, Batch]]:
        self.times = []
        for each in super().epoch(epoch, start_step):
            self.times.append(time.perf_counter())
            yield each
        self.times.append(time.perf_counter())


@contextlib.contextmanager
def graphs(on: bool) -> Iterator[None]:
    before = os.environ.get(SWITCH)
    os.environ[SWITCH] = str(int(on))
    try:
        yield
    finally:
        os.environ.pop(SWITCH)
        if before is not None:
            os.environ[SWITCH] = before


def seconds_of_a_step(
    network: nn.Module,
    objective: nn.Module,
    batches: Timed,
    recipe: Recipe,
    warmup: int,
    companion: Callable[[torch.optim.Optimizer], Companion] = lambda _: Companion(),
    trained: list[nn.Parameter] | None = None,
) -> float:
    """Median over an epoch of the stages' own loop, after `warmup` steps."""
    trained = [*network.parameters()] if trained is None else trained
    optimizer = build_optimizer(recipe, [*trained, *objective.trained_parameters()])
    with (
        tempfile.TemporaryDirectory() as name,
        Checkpoints(Path(name) / "checkpoints", "benchmark") as checkpoints,
        contextlib.redirect_stderr(io.StringIO()),
    ):
        train(
            network, objective, optimizer, batches, recipe, 0, checkpoints.part(), Curves(),
            companion(optimizer),
        )  # fmt: skip
    times = batches.times[warmup:]
    return statistics.median(b - a for a, b in itertools.pairwise(times))


def seconds_of(step: Callable[[], object], device: torch.device, sizes: Sizes) -> float:
    """Median of calls, each waited for."""
    taken = []
    for turn in range(sizes.warmup + sizes.steps):
        start = time.perf_counter()
        step()
        if device.type == "cuda":
            torch.cuda.synchronize()
        if turn >= sizes.warmup:
            taken.append(time.perf_counter() - start)
    return statistics.median(taken)


# ---- a search ----


@dataclass
class Search:
    network: Supernet
    objective: nn.Module
    images: Noise
    batches: list[Timed]

    @classmethod
    def made(cls, sizes: Sizes, device: torch.device) -> Search:
        torch.manual_seed(0)
        network = Supernet(CellSpace("cell", sizes.channels, sizes.cells, "cifar")).to(device)
        images = Noise(2 * sizes.batch * (sizes.warmup + sizes.steps), 32)
        settings = SimCLR("simclr", 0.5, 0, 128, simclr_views())
        objective = build_objective(settings, network, images.mean, images.std)
        halves = np.split(np.arange(len(images)), 2)
        batches = [Timed(images, None, half, sizes.batch, 0, device=device) for half in halves]
        return cls(network, objective, images, batches)

    def seconds(self, precision: str, order: int, sizes: Sizes) -> float:
        """Of an iteration: a step of alpha and one of the weights."""
        recipe = Recipe(
            1, sizes.batch, "sgd", 0.025, "cosine", 3e-4, momentum=0.9, clip=5.0,
            precision=precision,
        )  # fmt: skip
        settings = Darts("darts", order, True, 0.5, 3e-4, [0.5, 0.999], 1e-3)
        data = SearchData(self.images, 0, *self.batches, self.batches[1])
        return seconds_of_a_step(
            self.network, self.objective, self.batches[0], recipe, sizes.warmup,
            lambda optimizer: AlphaSteps(
                settings, self.network, self.objective, optimizer, data, 0, precision
            ),
            [*self.network.weight_parameters()],
        )  # fmt: skip


def literal_search(search: Search, precision: str, sizes: Sizes) -> Callable[[], object]:
    """DARTS' own steps of first order on the literal formulation, with the same views and loss: it
    computes a gradient of everything in both steps."""
    space = CellSpace("cell", sizes.channels, sizes.cells, "cifar")
    network = literal_like(search.network.cpu(), space).train()
    search.network.to(device := search.batches[0].device)
    network = network.to(device)
    head = search.objective.projection
    views = RandomViews(simclr_views(), search.images.mean, search.images.std)
    alphas = network.architecture_parameters()
    weights = [*network.weight_parameters(), *head.parameters()]
    optimizer = torch.optim.SGD(weights, 0.025, momentum=0.9, weight_decay=3e-4)
    alpha_optimizer = torch.optim.Adam(alphas, 3e-4, (0.5, 0.999), weight_decay=1e-3)
    images = [next(b.epoch(0))[1].images for b in search.batches]

    def backward(given: Tensor) -> None:
        with products(precision):
            with autocast(precision, device):
                z = head(network(views(torch.cat([given, given]))))
                loss = nt_xent(similarities(z), 0.5).mean()
            loss.backward()

    def iteration() -> None:
        alpha_optimizer.zero_grad()
        backward(images[1])
        alpha_optimizer.step()
        optimizer.zero_grad()
        backward(images[0])
        nn.utils.clip_grad_norm_(weights, 5.0)
        optimizer.step()

    return iteration


# ---- trainings of discrete networks ----


def training(
    kind: str, sizes: Sizes, device: torch.device, precision: str = "float32"
) -> tuple[float, int]:
    """Seconds of a step of ours, and its images. Kinds: retrain, simclr, moco, evolution."""
    torch.manual_seed(0)
    side, labels, drop = 32, None, 0.0
    if kind == "retrain":
        channels, cells, batch = sizes.retrain
        network = build_network(random_genotype(0), Network("cifar", channels, cells), side, True)
        settings: Any = Supervised("supervised", 0.0, 0.4, RETRAIN_VIEWS)
        drop = 0.2
    elif kind == "simclr":
        network, batch = resnet(18, sizes, "cifar"), sizes.batch
        settings = SimCLR("simclr", 0.5, 0, 128, simclr_views())
    elif kind == "moco":
        (batch, side), network = sizes.moco, resnet(50, sizes, "imagenet")
        settings = MoCo("moco", 0.2, 0.999, 65536, "mlp", 0, 128, 1, moco_views(side))
    else:
        network = BlockSupernet(BlockSpace("block", sizes.width // 2, list(sizes.depths), "cifar"))
        network.choice = random_blocks(sizes.depths, 0).choice
        settings, batch = MoCo("moco", 0.2, 0.99, 4096, "mlp", 0, 128, 2, simclr_views()), 128
        batch = min(batch, 2 * sizes.batch)
    network = network.to(device)
    images = Noise(batch * (sizes.warmup + sizes.steps), side)
    if kind == "retrain":
        labels = torch.arange(len(images)) % 10
    objective = build_objective(settings, network, images.mean, images.std, 10)
    batches = Timed(images, labels, np.arange(len(images)), batch, 0, device=device)
    recipe = Recipe(
        1, batch, "sgd", 0.03, "cosine", 1e-4, momentum=0.9, precision=precision, drop_path=drop
    )
    return seconds_of_a_step(network, objective, batches, recipe, sizes.warmup), batch


def moco_views(side: int) -> Views:
    return Views(**{**vars(MOCO_VIEWS), "size": side})


def resnet(depth: int, sizes: Sizes, stem: str) -> nn.Module:
    from nassl.genotypes.resnet import ResNetGenotype

    return build_network(ResNetGenotype(depth), Network(stem, sizes.width), 32)


def repeatable() -> None:
    """As the stages compute (stages/training/device.py)."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.set_deterministic_debug_mode("warn")
    torch.utils.deterministic.fill_uninitialized_memory = False
    torch.backends.cudnn.benchmark = False
    forbid_tf32()


@contextlib.contextmanager
def as_others_do() -> Iterator[None]:
    """Literal loops choose their fastest kernels: nothing is asked to be repeatable."""
    torch.set_deterministic_debug_mode("default")
    torch.backends.cudnn.benchmark = True
    try:
        yield
    finally:
        repeatable()
