"""How every claim is measured: interleaved runs, medians, CPU time beside wall time.

A claim is one entry of benchmarks/results.json and takes the place of its former one.
"""

from __future__ import annotations

import datetime
import importlib.metadata
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

RESULTS = Path(__file__).with_name("results.json")


@dataclass
class Timing:
    """Seconds of every run; CPU seconds are those of all threads of this process."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        return statistics.median(self.wall)

    @property
    def cpu_seconds(self) -> float:
        return statistics.median(self.cpu)


def interleaved(
    functions: Mapping[str, Callable[[], object]], rounds: int, warmup: int = 1
) -> dict[str, Timing]:
    """Calls the functions in turn, `rounds` times each after `warmup` unmeasured turns, so that
    whatever disturbs the machine disturbs them all."""
    timings = {name: Timing() for name in functions}
    for turn in range(warmup + rounds):
        for name, function in functions.items():
            wall, cpu = time.perf_counter(), time.process_time()
            function()
            if turn >= warmup:
                timings[name].wall.append(time.perf_counter() - wall)
                timings[name].cpu.append(time.process_time() - cpu)
    return timings


def matmul_peak(size: int = 1536, runs: int = 7) -> float:
    """FLOP/s of a float32 matrix product with the present number of threads: the best of `runs`."""
    import torch

    a = torch.randn(size, size)
    timing = interleaved({"product": lambda: a @ a}, runs)["product"]
    return 2 * size**3 / min(timing.wall)


def peak_memory(*arguments: str) -> int:
    """Bytes that `python -m <arguments>` held at most, in a fresh process. POSIX."""
    process = subprocess.Popen([sys.executable, "-m", *arguments])
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        raise RuntimeError(f"python -m {' '.join(arguments)} ended with status {status}")
    return usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def versions(*packages: str) -> dict[str, object]:
    """What figures depend on besides the code."""
    import torch

    found = {name: importlib.metadata.version(name) for name in ("torch", *packages)}
    return {
        **found,
        "python": platform.python_version(),
        "machine": platform.machine(),
        "threads": torch.get_num_threads(),
    }


def record(
    claim: str,
    ours: float,
    other: float,
    ratio: float,
    unit: str,
    n: int,
    packages: tuple[str, ...] = (),
    note: str = "",
) -> None:
    """Writes the claim down and prints its line. `note` says what else was seen: the CPU-time
    ratio, the work, the share of the matmul peak."""
    entry = {
        "claim": claim,
        "ours": ours,
        "other": other,
        "ratio": ratio,
        "unit": unit,
        "n": n,
        "date": datetime.date.today().isoformat(),
        "versions": versions(*packages),
        "note": note,
    }
    claims = json.loads(RESULTS.read_text()) if RESULTS.exists() else []
    claims = [former for former in claims if former["claim"] != claim] + [entry]
    claims.sort(key=lambda each: each["claim"])
    RESULTS.write_text(json.dumps(claims, indent=1) + "\n")
    print(
        f"{claim}: ours {ours:.4g} {unit}, other {other:.4g}, ratio {ratio:.2f}; {note}", flush=True
    )


def compare(
    claim: str,
    ours: Timing,
    other: Timing,
    flops: float = 0.0,
    peak: float = 0.0,
    packages: tuple[str, ...] = (),
    invert: bool = False,
) -> float:
    """Records other / ours (`invert`: ours / other) of median wall times and returns it."""
    ratio, cpu = other.seconds / ours.seconds, other.cpu_seconds / ours.cpu_seconds
    if invert:
        ratio, cpu = 1 / ratio, 1 / cpu
    note = f"CPU-time ratio {cpu:.2f}"
    if flops:
        note += f", {flops / 1e9:.1f} GFLOP"
    if flops and peak:
        share = flops / ours.seconds / peak
        note += f", {share:.0%} of the matmul peak of {peak / 1e9:.0f} GFLOP/s"
    record(claim, ours.seconds, other.seconds, ratio, "s", len(ours.wall), packages, note)
    return ratio
