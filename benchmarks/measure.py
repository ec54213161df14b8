"""How every claim is measured: interleaved runs, medians, CPU time beside wall time.

A claim is one entry of benchmarks/results.json and takes the place of its former one.
"""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import json
import os
import platform
import resource
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
    """Seconds of every run; CPU seconds are those of all threads of this process and of the
    processes that it started and that ended."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        return statistics.median(self.wall)

    @property
    def cpu_seconds(self) -> float:
        return statistics.median(self.cpu)


Claim = Callable[[int], object]


def command(
    doc: str | None,
    claims: Mapping[str, Claim],
    rounds: int,
    parts: Mapping[str, Claim] | None = None,
) -> None:
    """The command line of a script: calls its claims, or the named ones, with the rounds.

    `parts` are what claims start in a process of their own; called only if named.
    """
    parser = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("claims", nargs="*", help=f"of {', '.join(claims)}; all if none is named")
    parser.add_argument("--rounds", type=int, default=rounds, help="measured runs of each side")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    callable_ = {**claims, **(parts or {})}
    if unknown := [name for name in arguments.claims if name not in callable_]:
        parser.error(f"no claim {unknown[0]!r}; available: {', '.join(claims)}")
    set_threads(arguments.threads)
    try:
        for name in arguments.claims or claims:
            callable_[name](arguments.rounds)
    except ImportError as error:
        parser.exit(1, f"not measured: {error}; `make bench` installs what is missing\n")


def set_threads(count: int) -> None:
    import torch

    torch.set_num_threads(count)


def interleaved(
    functions: Mapping[str, Callable[[], object]], rounds: int, warmup: int = 1
) -> dict[str, Timing]:
    """Calls the functions in turn, `rounds` times each after `warmup` unmeasured turns, so that a
    disturbance of the machine affects them all."""
    timings = {name: Timing() for name in functions}
    for turn in range(warmup + rounds):
        for name, function in functions.items():
            wall, cpu = time.perf_counter(), _cpu_seconds()
            function()
            if turn >= warmup:
                timings[name].wall.append(time.perf_counter() - wall)
                timings[name].cpu.append(_cpu_seconds() - cpu)
    return timings


def _cpu_seconds() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def matmul_peak(size: int = 1536, runs: int = 7) -> float:
    """FLOP/s of a float32 matrix product with the current number of threads: the best of `runs`."""
    import torch

    a = torch.randn(size, size)
    timing = interleaved({"product": lambda: a @ a}, runs)["product"]
    return 2 * size**3 / min(timing.wall)


# Linux starts a child's maximum at what its parent held when forking: a small one stands between.
_PEAK = """
import os, subprocess, sys
process = subprocess.Popen(sys.argv[1:])
_, status, usage = os.wait4(process.pid, 0)
print(usage.ru_maxrss)
sys.exit(status != 0)
"""


def peak_memory(*arguments: str) -> int:
    """Bytes that `python -m <arguments>` held at most, in a fresh process. POSIX.

    Raises subprocess.CalledProcessError if it fails.
    """
    command = [sys.executable, "-c", _PEAK, sys.executable, "-m", *arguments]
    printed = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    return int(printed.split()[-1]) * (1 if sys.platform == "darwin" else 1024)


def versions(*packages: str) -> dict[str, object]:
    """What figures depend on besides the code."""
    import torch

    found = {name: importlib.metadata.version(name) for name in ("torch", *packages)}
    return {
        **found,
        "python": platform.python_version(),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
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
    **more: float,
) -> None:
    """Records the claim and prints its line. `more` are further keys of the entry, `note` says
    what else was seen."""
    entry = {
        "claim": claim,
        "ours": ours,
        "other": other,
        "ratio": ratio,
        "unit": unit,
        "n": n,
        "date": datetime.date.today().isoformat(),
        "versions": versions(*packages),
        **more,
        "note": note,
    }
    claims = read_results()
    claims = [former for former in claims if former["claim"] != claim] + [entry]
    claims.sort(key=lambda each: each["claim"])
    RESULTS.write_text(json.dumps(claims, indent=1) + "\n")
    print(
        f"{claim}: ours {ours:.4g} {unit}, other {other:.4g}, ratio {ratio:.2f}; {note}", flush=True
    )


def read_results() -> list[dict]:
    """All claims measured so far, by name."""
    return json.loads(RESULTS.read_text()) if RESULTS.exists() else []


def compare(
    claim: str,
    ours: Timing,
    other: Timing,
    flops: float = 0.0,
    peak: float = 0.0,
    packages: tuple[str, ...] = (),
    invert: bool = False,
    note: str = "",
) -> float:
    """Records other / ours (`invert`: ours / other) of median wall times and returns it.

    Beside it `cpu_ratio`, the same of CPU times; with `flops`, the work of one run of ours, `gflop`
    and, with `peak` in FLOP/s, `peak_share`: what ours reaches of it.
    """
    ratio, cpu = other.seconds / ours.seconds, other.cpu_seconds / ours.cpu_seconds
    if invert:
        ratio, cpu = 1 / ratio, 1 / cpu
    more = {"cpu_ratio": cpu, "ours_cpu": ours.cpu_seconds, "other_cpu": other.cpu_seconds}
    notes = [f"CPU-time ratio {cpu:.2f}"]
    if flops:
        more["gflop"] = flops / 1e9
        notes.append(f"{flops / 1e9:.1f} GFLOP")
    if flops and peak:
        more["peak_share"] = flops / ours.seconds / peak
        more["peak_gflops"] = peak / 1e9
        notes.append(
            f"{more['peak_share']:.0%} of the matmul peak of {more['peak_gflops']:.0f} GFLOP/s"
        )
    notes += [note] if note else []
    n = len(ours.wall)
    record(claim, ours.seconds, other.seconds, ratio, "s", n, packages, ", ".join(notes), **more)
    return ratio
