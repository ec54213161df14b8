"""`make gpu`: what one GPU does, ours and literal formulations in the same run, as one table.

    python -m benchmarks.cuda --out folder    # results-cuda.json with card, driver and versions
    python -m benchmarks.cuda --small         # tries the program, on a CPU too; measures nothing

Rows in order of their importance; what no time is left for (--minutes, 6) is named. Needs the
library, its tests' oracles and what the stages import; no network. `row`: what; `precision`;
`how`: graph, eager (the same, call by call) or literal; `seconds`: the median of a step; `images`
a second.

  search_iteration   SSNAS' search (C = 16, 8 cells, 64 images, 128 views): a step of alpha and one
                     of the weights, data and views included; literal: DARTS' formulation and steps
  launches           operations, and waits of the host, inside the steps of such an iteration
  search_second_order, retrain_step (20 cells, 36 channels, batch 96), simclr_step (ResNet-18),
  moco_step (ResNet-50, 224 px, batch 256), evolution_step, detector_step (Faster R-CNN C4, 800 x
  1067, two images, with its peak memory), probe_features, views_*
  layouts            depthwise and pointwise convolutions in both memory layouts
  search_cifar10     real epochs of the search on CIFAR-10, and what 50 of them take
"""

from __future__ import annotations

import argparse
import datetime
import json
import platform
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch

from benchmarks import gpu_rows
from benchmarks.gpu_rows import Bench, Row, row
from benchmarks.gpu_steps import SMALL, Search, Sizes, as_others_do, graphs, literal_search
from benchmarks.gpu_steps import repeatable as compute_repeatably
from nassl.training import loop
from nassl.training.graphs import RecordedStep
from stages.search import darts
from tests.nassl.training.recorders import Counted

RESULTS = "results-cuda.json"
RESERVED = 60.0  # seconds, for the real search at the end


def search_iterations(bench: Bench) -> list[Row]:
    rows = []
    for precision in ("float32", "tf32", "bfloat16"):
        search = Search.made(bench.sizes, bench.device)
        for on in (True, False):
            with graphs(on):
                seconds = search.seconds(precision, 1, bench.sizes)
            rows.append(row("search_iteration", seconds, precision, "graph" if on else "eager"))
        step = literal_search(search, precision, bench.sizes)
        with as_others_do():
            rows.append(row("search_iteration", bench.seconds(step), precision, "literal"))
    return rows


def second_order(bench: Bench) -> list[Row]:
    seconds = Search.made(bench.sizes, bench.device).seconds("float32", 2, bench.sizes)
    return [row("search_second_order", seconds, how="eager")]


def launches(bench: Bench) -> list[Row]:
    """Of the last iteration of a short search, call by call: operations (most start one kernel,
    some a few) and what waits for the device, inside its two steps."""
    seen: list[Counted] = []

    class Watched(RecordedStep):
        def __call__(self, *tensors: Any) -> Any:
            with Counted() as counted:
                made = self.function(*tensors)
            seen.append(counted)
            return made

    sizes = replace(bench.sizes, warmup=1, steps=1)
    watched = (patch.object(module, "RecordedStep", Watched) for module in (loop, darts))
    with graphs(False), next(watched), next(watched):
        Search.made(sizes, bench.device).seconds("float32", 1, sizes)
    operations = sum(counted.operations.total() for counted in seen[-2:])
    waits = sum(counted.waiting.total() for counted in seen[-2:])
    return [{"row": "launches", "how": "eager", "operations": operations, "waits": waits}]


ROWS: dict[str, Callable[[Bench], list[Row]]] = {
    "search": search_iterations,
    "launches": launches,
    "second_order": second_order,
    "detector": gpu_rows.detector,
    "trainings": gpu_rows.trainings,
    "literal_simclr": gpu_rows.literal_simclr,
    "literal_moco": gpu_rows.literal_moco,
    "layouts": gpu_rows.layouts,
    "views": gpu_rows.views,
    "features": gpu_rows.features,
    "real_search": gpu_rows.real_search,
}


def measured(names: list[str], bench: Bench) -> list[Row]:
    """Every row that time is left for; one that fails is named with its reason."""
    rows: list[Row] = []
    for name in names:
        if bench.left() < (0 if name == "real_search" else RESERVED):
            rows.append({"row": name, "not measured": "no time was left"})
            continue
        begun = time.perf_counter()
        try:
            found = ROWS[name](bench)
        except Exception as error:
            traceback.print_exc()
            found = [{"row": name, "not measured": f"{type(error).__name__}: {error}"}]
        for each in found:
            print(json.dumps(each), flush=True)
        print(f"{name}: {time.perf_counter() - begun:.0f} s", file=sys.stderr, flush=True)
        rows += found
        if bench.device.type == "cuda":
            torch.cuda.empty_cache()
    return rows


def machine(device: torch.device) -> dict[str, Any]:
    found: dict[str, Any] = {
        "date": datetime.date.today().isoformat(),
        "python": platform.python_version(),
        "cuda": torch.version.cuda,
        "card": "none",
    }
    if device.type == "cuda":
        properties = torch.cuda.get_device_properties(device)
        found |= {
            "card": properties.name,
            "memory_gb": properties.total_memory / 1e9,
            "cudnn": torch.backends.cudnn.version(),
        }
        driver = Path("/proc/driver/nvidia/version")
        found["driver"] = driver.read_text().splitlines()[0] if driver.exists() else "unknown"
    for name in ("torch", "torchvision", "numpy"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "none"
    return found


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("rows", nargs="*", help=f"of {', '.join(ROWS)}; all if none is named")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent)
    parser.add_argument("--minutes", type=float, default=6.0)
    parser.add_argument("--small", action="store_true", help="a little work; writes no results")
    arguments = parser.parse_args(argv)
    if unknown := [name for name in arguments.rows if name not in ROWS]:
        parser.error(f"no row {unknown[0]!r}; available: {', '.join(ROWS)}")
    if not torch.cuda.is_available() and not arguments.small:
        print("not measured: torch sees no GPU here; --small tries the program", file=sys.stderr)
        return 3
    device = torch.device("cuda", 0) if torch.cuda.is_available() else torch.device("cpu")
    end = time.monotonic() + 60 * arguments.minutes
    compute_repeatably()
    bench = Bench(device, SMALL if arguments.small else Sizes(), lambda: end - time.monotonic())
    rows = measured(arguments.rows or list(ROWS), bench)
    if not arguments.small:
        arguments.out.mkdir(parents=True, exist_ok=True)
        written = json.dumps({"machine": machine(device), "rows": rows}, indent=1) + "\n"
        (arguments.out / RESULTS).write_text(written)
    return sum("not measured" in each for each in rows)


if __name__ == "__main__":
    raise SystemExit(main())
