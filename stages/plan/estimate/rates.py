"""How fast this machine does counted work."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import geometric_mean

import torch
from torch import Tensor, nn

from stages.plan.estimate.work import Work, counted

BACKWARD = 3  # a forward and a backward pass, in forward passes
AROUND = 2.0  # measured at toy scale: calls and traffic in a stage, of those in a loop of 3 layers


@dataclass(frozen=True)
class Rates:
    """FLOP/s and bytes/s used to estimate work, and the least seconds that a call costs."""

    flops: float
    bytes: float
    call: float

    def seconds(self, work: Work) -> float:
        """The time of arithmetic, traffic and calls one after the other: an upper estimate, because
        a device may do them at the same time."""
        return work.flops / self.flops + work.bytes / self.bytes + work.calls * self.call


def measured_rates(threads: int) -> Rates:
    """The rates of this machine's CPU with `threads`. Arithmetic is measured on a matrix product;
    calls and traffic on a convolution with batch norm and ReLU, forward and backward: calls on tiny
    maps, traffic as the geometric mean over maps that fit into a cache and maps that do not."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    side = 1024
    a = torch.rand(side, side)
    flops = 2 * side**3 / _seconds(lambda: a @ a)
    work, step = _layers(2, 8, 4)
    call = _seconds(step) / work.calls
    traffic = []
    for side in (16, 32):
        work, step = _layers(64, 16, side)
        seconds = _seconds(step)
        rest = seconds - work.flops / flops - work.calls * call
        traffic.append(work.bytes / max(rest, seconds / 4))  # on a busy machine they do not add up
    torch.set_num_threads(before)
    return Rates(flops, geometric_mean(traffic) / AROUND, AROUND * call)


def _layers(batch: int, channels: int, side: int) -> tuple[Work, Callable[[], None]]:
    """The work of a forward and a backward pass of such layers, and a function that does them."""
    layers = nn.Sequential(
        nn.Conv2d(channels, channels, 1, bias=False), nn.BatchNorm2d(channels), nn.ReLU()
    ).to(memory_format=torch.channels_last)
    x = torch.rand(batch, channels, side, side).contiguous(memory_format=torch.channels_last)
    x.requires_grad_()

    def step() -> None:
        out: Tensor = layers(x)
        out.sum().backward()

    return counted(lambda: layers(x)) * BACKWARD, step


def _seconds(call: Callable[[], object], seconds: float = 0.3) -> float:
    """The time of the fastest of repeated calls, which was disturbed least."""
    for _ in range(3):
        call()
    best, end = float("inf"), time.perf_counter() + seconds
    while (start := time.perf_counter()) < end:
        call()
        best = min(best, time.perf_counter() - start)
    return best
