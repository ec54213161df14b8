"""How fast this machine does counted work, whatever else runs on it at the moment."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import geometric_mean

import torch
from torch import Tensor, nn

from nassl.files import write_json
from stages.plan.estimate.work import Work, counted

BACKWARD = 3  # a forward and a backward pass, in forward passes
AROUND = 2.0  # measured at toy scale: calls and traffic in a stage, of those in a loop of 3 layers
DECODING = 8e7  # measured (docs/data.md): pixels/s of JPEG files, on one core of a small machine
SIDE = 512  # of the matrices that are multiplied: milliseconds, less than a turn on a busy core
LAYERS = {"calls": (2, 8, 4), "in cache": (64, 16, 16), "in memory": (64, 16, 32)}  # batch, C, side
REPEATS = 3  # of every measurement, in turns, so that a disturbance does not hit them all
CACHE = "rates.json"  # in the user's cache


@dataclass(frozen=True)
class Rates:
    """FLOP/s and bytes/s used to estimate work, and the least seconds that a call costs."""

    flops: float
    bytes: float
    call: float

    def seconds(self, work: Work) -> float:
        """The time of arithmetic, traffic, calls and decoding one after the other: an upper
        estimate, because a device may do them at the same time."""
        computed = work.flops / self.flops + work.bytes / self.bytes + work.calls * self.call
        return computed + work.decoded / DECODING


def measured_rates(threads: int) -> Rates:
    """The rates of this machine's CPU with `threads`, by the least processor time that each
    measurement has ever taken here: kept in the user's cache and improved by every call, so that a
    machine that is busy now gets the estimate of an idle one."""
    file, key = _cache_file(), _machine(threads)
    known = _known(file)
    best = {
        name: min(seconds, known.get(key, {}).get(name, seconds))
        for name, seconds in measure(threads).items()
    }
    if best != known.get(key):
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            write_json(file, known | {key: best})
        except OSError:
            pass  # a cache: without it the next call measures alone
    return rates_of(best)


def measure(
    threads: int, clock: Callable[[], float] = time.process_time, seconds: float = 0.1
) -> dict[str, float]:
    """Seconds of a matrix product and of the LAYERS, forward and backward, with `threads`.

    `clock` counts the processor time of this process: other processes do not make it run. Every
    measurement takes `seconds` of it, REPEATS times; the fastest call counts.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    a = torch.rand(SIDE, SIDE)
    calls = {"product": lambda: a @ a} | {name: _step(*size) for name, size in LAYERS.items()}
    best = dict.fromkeys(calls, float("inf"))
    for _ in range(REPEATS):
        for name, call in calls.items():
            best[name] = min(best[name], fastest(call, clock, seconds) / threads)
    torch.set_num_threads(before)
    return best


def fastest(call: Callable[[], object], clock: Callable[[], float], seconds: float) -> float:
    """The time of the fastest of repeated calls, which was disturbed least."""
    call()  # what is made once
    best, end = float("inf"), clock() + seconds
    while (start := clock()) < end:
        call()
        best = min(best, clock() - start)
    return best


def rates_of(seconds: dict[str, float]) -> Rates:
    """Arithmetic from a matrix product; calls and traffic from a convolution with batch norm and
    ReLU: calls on tiny maps, traffic as the geometric mean over maps that fit into a cache and maps
    that do not."""
    flops = 2 * SIDE**3 / seconds["product"]
    call = seconds["calls"] / _work("calls").calls
    traffic = []
    for name in ("in cache", "in memory"):
        work, taken = _work(name), seconds[name]
        rest = taken - work.flops / flops - work.calls * call
        traffic.append(work.bytes / max(rest, taken / 4))  # overlapped, they do not add up
    return Rates(flops, geometric_mean(traffic) / AROUND, AROUND * call)


def _layers(batch: int, channels: int, side: int) -> tuple[nn.Module, Tensor]:
    layers = nn.Sequential(
        nn.Conv2d(channels, channels, 1, bias=False), nn.BatchNorm2d(channels), nn.ReLU()
    ).to(memory_format=torch.channels_last)
    x = torch.rand(batch, channels, side, side).contiguous(memory_format=torch.channels_last)
    return layers, x.requires_grad_()


def _step(batch: int, channels: int, side: int) -> Callable[[], None]:
    layers, x = _layers(batch, channels, side)
    return lambda: layers(x).sum().backward()


def _work(name: str) -> Work:
    layers, x = _layers(*LAYERS[name])
    return counted(lambda: layers(x)) * BACKWARD


# ---------------------------------------------------------------- cache ----


def _cache_file() -> Path:
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "nassl"
    return folder / CACHE


def _machine(threads: int) -> str:
    """What the seconds depend on; a home folder may be that of several machines."""
    return f"{platform.node()}, {_processor()}, torch {torch.__version__}, {threads} threads"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:  # Linux only
        return platform.processor() or platform.machine()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()


def _known(file: Path) -> dict[str, dict[str, float]]:
    """What was measured before; nothing if the file is missing or is not what was written."""
    try:
        found = json.loads(file.read_text())
        return {
            str(key): {str(name): float(value) for name, value in times.items() if value > 0}
            for key, times in found.items()
        }
    except (OSError, ValueError, AttributeError, TypeError):
        return {}
