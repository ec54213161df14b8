"""How fast a device does counted work: measured here, or taken from a GPU's data sheet."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from stages.plan.work import Work

GPU_SHARE = 0.3  # assumed: the share of the peak that small convolutions reach
CPU_SHARE = 0.5  # measured at toy scale: the share of a matrix product's rate


@dataclass(frozen=True)
class Rates:
    """FLOP/s and bytes/s that work is reckoned with, and seconds that a call costs at least."""

    flops: float
    bytes: float
    call: float

    def seconds(self, work: Work) -> float:
        """Arithmetic, traffic and calls one after the other: an upper estimate, as a device may
        do them at once."""
        return work.flops / self.flops + work.bytes / self.bytes + work.calls * self.call


# Peak of float32 multiplications with tensor cores off, memory bandwidth (vendors' data sheets);
# a kernel's start (usual for PyTorch).
GPUS = {
    "V100": Rates(15.7e12 * GPU_SHARE, 0.9e12, 1e-5),
    "A100": Rates(19.5e12 * GPU_SHARE, 1.55e12, 1e-5),
    "H100": Rates(67.0e12 * GPU_SHARE, 3.35e12, 1e-5),
    "RTX3090": Rates(35.6e12 * GPU_SHARE, 0.94e12, 1e-5),
    "RTX4090": Rates(82.6e12 * GPU_SHARE, 1.01e12, 1e-5),
}


def measured_rates(threads: int) -> Rates:
    """Of this machine's CPU with `threads`: a matrix product, a sum of arrays of the size of a
    feature map, and the layers of a tiny network."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    side, elements = 1024, 2**18
    a, b = torch.rand(side, side), torch.rand(elements)
    tiny = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU())
    x = torch.rand(2, 4, 4, 4)
    with torch.no_grad():
        product = _seconds(lambda: a @ a)
        added = _seconds(lambda: b + 1.0)
        layers = _seconds(lambda: tiny(x))
    torch.set_num_threads(before)
    return Rates(CPU_SHARE * 2 * side**3 / product, 2 * 4 * elements / added, layers / len(tiny))


def _seconds(call: Callable[[], object], seconds: float = 0.3) -> float:
    """Mean of repeated calls."""
    call()
    start, count = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        call()
        count += 1
    return (time.perf_counter() - start) / count
