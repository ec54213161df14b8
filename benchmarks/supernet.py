"""The supernet against the literal formulation of DARTS (tests/oracles/literal_supernet.py).

Claims (other / ours unless said otherwise):
  supernet_step           one w step: NT-Xent, gradients of all weights
  supernet_memory         the same, peak memory of fresh processes, ours / other
  search_iteration        one alpha step and one w step, first order; the other side takes the
                          alpha step as DARTS' code does: backward() through everything
  search_iteration_toy    the same at toy size
  second_order_iteration  ours: second order / first order
  supernet_growth_<what>  exponent of our step time in channels, cells, batch, side; `other` is the
                          exponent of the arithmetic

The reference supernet has C = 16, 8 cells, 32x32 images; a batch is 64 views, two of each of 32
images. One w step of either side goes before, unmeasured (memory is allocated, kernels are chosen).
All claims take about 8 minutes on two cores: the literal step alone takes 20 s.
Example: `python -m benchmarks.supernet supernet_step` (100 s).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from benchmarks.measure import command, compare, interleaved, matmul_peak, peak_memory, record
from nassl.networks.size import flops
from nassl.objectives.simclr import nt_xent, similarities
from nassl.settings import CellSpace
from nassl.supernets.cell import Supernet
from stages.search.alpha_gradients import first_order, second_order
from tests.oracles.literal_supernet import literal_like

REFERENCE = {"channels": 16, "cells": 8, "side": 32, "views": 64}
TOY = {"channels": 8, "cells": 5, "side": 16, "views": 128}
GROWTH = {  # each varied alone around the middle
    "channels": (8, 16, 32),
    "cells": (4, 8, 16),
    "views": (16, 32, 64),
    "side": (16, 32, 64),
}
MIDDLE = {"channels": 16, "cells": 5, "side": 16, "views": 32}


class Search:
    """A supernet with its projection head, its optimizers and two batches of views."""

    def __init__(self, network: nn.Module, side: int, views: int, head: nn.Module) -> None:
        self.network, self.head = network, head
        self.alphas = network.architecture_parameters()
        self.weights = [*network.weight_parameters(), *head.parameters()]
        self.optimizer = torch.optim.SGD(self.weights, 0.025, momentum=0.9, weight_decay=3e-4)
        self.alpha_optimizer = torch.optim.Adam(self.alphas, 3e-4, (0.5, 0.999), weight_decay=1e-3)
        random = torch.Generator().manual_seed(0)
        self.train, self.validation = (
            torch.randn(views, 3, side, side, generator=random) for _ in range(2)
        )

    def loss(self, views: Tensor) -> Tensor:
        return nt_xent(similarities(self.head(self.network(views))), 0.5).mean()

    def _w_update(self) -> None:
        nn.utils.clip_grad_norm_(self.weights, 5.0)
        self.optimizer.step()

    def w_step(self) -> None:
        """Alpha is a constant."""
        for alpha in self.alphas:
            alpha.requires_grad_(False)
        self.optimizer.zero_grad()
        self.loss(self.train).backward()
        self._w_update()
        for alpha in self.alphas:
            alpha.requires_grad_(True)

    def _alpha_step(self, gradients: list[Tensor]) -> None:
        for alpha, gradient in zip(self.alphas, gradients, strict=True):
            alpha.grad = gradient
        self.alpha_optimizer.step()

    def first_order_iteration(self) -> None:
        validation_loss = lambda: self.loss(self.validation)  # noqa: E731
        self._alpha_step(first_order(validation_loss, self.alphas, self.weights)[1])
        self.w_step()

    def second_order_iteration(self) -> None:
        losses = lambda: self.loss(self.train), lambda: self.loss(self.validation)
        gradients = second_order(*losses, self.alphas, self.weights, self.optimizer)[1]
        self._alpha_step(gradients)
        self.w_step()

    def literal_w_step(self) -> None:
        """As DARTS' train_search.py: alpha gets a gradient that is not used."""
        self.optimizer.zero_grad()
        self.loss(self.train).backward()
        self._w_update()

    def literal_iteration(self) -> None:
        """As DARTS' architect.py: every weight gets a gradient that is not used."""
        self.alpha_optimizer.zero_grad()
        self.loss(self.validation).backward()
        self.alpha_optimizer.step()
        self.literal_w_step()


def searches(channels: int, cells: int, side: int, views: int) -> tuple[Search, Search, float]:
    """Ours, the literal one with the same weights, and the FLOPs of one pass over the views."""
    torch.manual_seed(0)
    space = CellSpace("cell", channels, cells, "cifar")
    network = Supernet(space)
    width = network.feature_dim
    heads = [nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 128)) for _ in "ab"]
    heads[1].load_state_dict(heads[0].state_dict())
    literal = literal_like(network, space)
    pair = (Search(n, side, views, h) for n, h in zip((network, literal), heads, strict=True))
    return *pair, 2 * views * flops(network, side)


def supernet_step(rounds: int) -> None:
    ours, literal, work = searches(**REFERENCE)
    steps = {"ours": ours.w_step, "literal": literal.literal_w_step}
    timings = interleaved(steps, rounds)
    # A backward pass of a convolution is two of its forward passes.
    compare("supernet_step", timings["ours"], timings["literal"], 3 * work, matmul_peak())


def supernet_memory(rounds: int) -> None:
    threads = str(torch.get_num_threads())
    ours, literal = (
        peak_memory("benchmarks.supernet", part, "--threads", threads) for part in PARTS
    )
    record(
        "supernet_memory", ours / 1e9, literal / 1e9, ours / literal, "GB", 1, note="ours / other"
    )


def _iteration(claim: str, size: dict[str, int], rounds: int) -> None:
    ours, literal, work = searches(**size)
    ours.w_step()
    literal.literal_w_step()
    steps = {"ours": ours.first_order_iteration, "literal": literal.literal_iteration}
    timings = interleaved(steps, rounds, warmup=0)
    # Alpha step: forward, gradients of features; w step: those of the weights as well.
    compare(claim, timings["ours"], timings["literal"], 5 * work, matmul_peak())


def search_iteration(rounds: int) -> None:
    _iteration("search_iteration", REFERENCE, rounds)


def search_iteration_toy(rounds: int) -> None:
    _iteration("search_iteration_toy", TOY, 2 * rounds)


def second_order_iteration(rounds: int) -> None:
    ours, _, work = searches(**REFERENCE)
    ours.w_step()  # a momentum buffer to unroll
    steps = {"second": ours.second_order_iteration, "first": ours.first_order_iteration}
    timings = interleaved(steps, rounds, warmup=0)
    # 3 for the virtual step, 3 for validation, twice 2 for the product, 3 for the w step.
    peak = matmul_peak()
    compare(
        "second_order_iteration", timings["second"], timings["first"], 13 * work, peak, invert=True
    )


def supernet_growth(rounds: int) -> None:
    for what, values in GROWTH.items():
        sizes = [{**MIDDLE, what: value} for value in values]
        made = [searches(**size) for size in sizes]
        timings = interleaved({str(i): s[0].w_step for i, s in enumerate(made)}, rounds)
        seconds = [timings[str(i)].seconds for i in range(len(made))]
        ours, arithmetic = exponent(values, seconds), exponent(values, [s[2] for s in made])
        note = ", ".join(f"{v}: {s:.3f} s" for v, s in zip(values, seconds, strict=True))
        record(
            f"supernet_growth_{what}", ours, arithmetic, ours / arithmetic, "", rounds, note=note
        )


def exponent(sizes: tuple[int, ...], values: list[float]) -> float:
    """Slope of the least-squares line through (log size, log value)."""
    x, y = [math.log(size) for size in sizes], [math.log(value) for value in values]
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    covariance = sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True))
    return covariance / sum((a - mean_x) ** 2 for a in x)


def one_step_of_ours(_: int) -> None:
    """For the memory of a fresh process, the other side thrown away before."""
    step = searches(**REFERENCE)[0].w_step
    step()


def one_step_of_the_literal(_: int) -> None:
    step = searches(**REFERENCE)[1].literal_w_step
    step()


CLAIMS = {
    function.__name__: function
    for function in (
        supernet_step,
        supernet_memory,
        search_iteration,
        search_iteration_toy,
        second_order_iteration,
        supernet_growth,
    )
}
PARTS = {f.__name__: f for f in (one_step_of_ours, one_step_of_the_literal)}


if __name__ == "__main__":
    command(__doc__, CLAIMS, 3, PARTS)
