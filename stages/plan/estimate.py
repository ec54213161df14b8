"""What a plan will cost: runs, arithmetic, hours and disk, from counted work and device rates."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tabulate import tabulate

from nassl.files import InputError, read_json
from nassl.settings import Network, SettingsError, Size, SpaceSettings
from stages.plan.datasets import expected_size
from stages.plan.detection_work import transfer_flops
from stages.plan.lineage import of_plan, search_of
from stages.plan.phases import phases
from stages.plan.rates import GPU_SHARE, GPUS, measured_rates
from stages.plan.schedule import makespan, upstream_of
from stages.plan.work import (
    Counted,
    Work,
    network_parameters,
    network_work,
    supernet_work,
    views_work,
)
from stages.runs.lines import RUNS, results_folder
from stages.runs.run import Run, resolve_run

FLEETS = (1, 8, 64)  # numbers of GPUs
START_SECONDS = 4.0  # measured: a job's start, DVC and torch imported
SETUP_SECONDS = 1.5  # measured: of a run's own time, until its first step
SMALL_FILES = 1e5  # bytes: metrics, curves, genotype of a run
# Whether a run leaves its network's weights behind.
KEPT = {"search": 0, "score": 0, "retrain": 1, "pretrain": 1, "probe": 0, "transfer": 0}
# Stages whose estimate is compared with measured times, and the largest allowed factor.
CHECKED = ("search", "score", "retrain", "pretrain", "probe")
FACTOR = 2.0


def estimate(params: dict[str, Any], gpu: str) -> str:
    """A table per stage. Raises SettingsError for an unknown GPU or an uncounted data set."""
    if gpu not in GPUS:
        raise SettingsError(f"--gpu is {gpu!r}; available: {', '.join(GPUS)}")
    threads = max(r["threads"] for r in params["resources"].values())
    here = measured_rates(threads)
    rows, total, on_gpu = [], [0, 0.0, 0.0, 0.0, 0.0], {}
    for stage in RUNS:
        runs = list(_runs(stage, params))
        work = [run_work(run, params) for run in runs]
        starts = len(runs) * (START_SECONDS + SETUP_SECONDS)
        for run, w in zip(runs, work, strict=True):
            seconds = GPUS[gpu].seconds(w) + START_SECONDS + SETUP_SECONDS
            on_gpu[f"{stage}/{run.name}"] = seconds / 3600
        hours = (sum(here.seconds(w) for w in work) + starts) / 3600
        gpu_hours = (sum(GPUS[gpu].seconds(w) for w in work) + starts) / 3600
        disk = sum(run_bytes(run, params) for run in runs) / 1e9
        rows.append([stage, len(runs), sum(w.flops for w in work) / 1e12, hours, gpu_hours, disk])
        total = [a + b for a, b in zip(total, rows[-1][1:], strict=True)]
    rows.append(["together", *total])
    head = ["stage", "runs", "TFLOP", "hours, one job at a time here", f"{gpu}-hours", "disk, GB"]
    table = tabulate(rows, headers=head, floatfmt=("", "", ",.1f", ",.2f", ",.2f", ",.2f"))
    edges = upstream_of(params)
    times = [f"{makespan(on_gpu, edges, count):,.1f} h on {count}" for count in FLEETS]
    return (
        f"{table}\n\n"
        f"{gpu}s, a run on each: {', '.join(times)}; "
        f"the longest chain of runs takes {makespan(on_gpu, edges, len(on_gpu)):,.1f} h.\n"
        f"Here, {threads} threads, measured: {here.flops / 1e9:.0f} GFLOP/s, "
        f"{here.bytes / 1e9:.0f} GB/s, {here.call * 1e6:.0f} us a call;\n"
        f"{gpu}: {GPUS[gpu].flops / 1e12:.1f} TFLOP/s ({GPU_SHARE:.0%} of its data sheet), "
        f"{GPUS[gpu].bytes / 1e12:.1f} TB/s, {GPUS[gpu].call * 1e6:.0f} us a call. "
        f"{START_SECONDS + SETUP_SECONDS:.1f} s a job for its start.\n"
        "Searched cells are counted as the random cell of seed 0, searched chains of blocks as "
        "ResNet-50,\nsub-networks of a search as their mean.\n"
        "Disk: results; DVC's cache holds them a second time unless the file system can share "
        "them."
    )


def check(params: dict[str, Any], results: Path) -> str:
    """Compares estimated with measured seconds per stage, for the runs that are finished in
    `results`.

    Raises InputError if none is, or if a stage is off by more than FACTOR.
    """
    rows, off = [], []
    here = measured_rates(max(r["threads"] for r in params["resources"].values()))
    for stage in CHECKED:
        estimated = measured = 0.0
        count = 0
        for run in _runs(stage, params):
            file = results / results_folder(stage, run.name, vars(run.line)) / "cost.json"
            work = run_work(run, params)
            if not file.exists() or not work.flops:
                continue
            count += 1
            estimated += SETUP_SECONDS + here.seconds(work)
            measured += read_json(file)["seconds"]
        if count:
            ratio = estimated / measured
            rows.append([stage, count, estimated, measured, ratio])
            off += [stage] * (not 1 / FACTOR <= ratio <= FACTOR)
    if not rows:
        raise InputError(f"{results} has no finished run of the plan; run it first")
    head = ["stage", "runs", "estimated, s", "measured, s", "ratio"]
    table = tabulate(rows, headers=head, floatfmt=("", "", ".1f", ".1f", ".2f"))
    if off:
        raise InputError(f"off by more than a factor {FACTOR:g}: {', '.join(off)}\n{table}")
    return f"{table}\n\nAll within a factor {FACTOR:g}."


def run_work(run: Run, params: dict[str, Any]) -> Work:
    """The work of a run's training and evaluation."""
    work = Work()
    if run.stage in ("prepare", "select"):
        return work
    if run.stage == "transfer":
        data = resolve_run("prepare", run.line.data, params, "the plan").settings["data"]
        return Work(flops=transfer_flops(run, data))
    side, size = _data(run, params)
    for phase in phases(run, size):
        seen = phase.views.size or side
        counted = _network(run, params, phase.batch, seen)
        work += counted.forward * (phase.passes / phase.batch) + counted.update * phase.steps
        drawn = views_work(phase.views, phase.views_batch, side)
        work += drawn * (phase.viewed / phase.views_batch)
    return work


def run_bytes(run: Run, params: dict[str, Any]) -> float:
    """The size of the files that a run leaves behind."""
    if run.stage == "prepare":
        data = run.settings["data"]
        size = expected_size(data)
        pixels = (size.train + size.test + size.unlabeled) * data.image_size**2 * 3 if size else 0
        return SMALL_FILES if data.indexed(pixels) else SMALL_FILES + pixels
    if run.stage == "select" or not KEPT[run.stage]:
        return SMALL_FILES
    objective = run.settings["objective"]
    weights = objective.copies * network_parameters(*_discrete(run, params))
    return SMALL_FILES + 4.0 * (weights + objective.kept())


def _data(run: Run, params: dict[str, Any]) -> tuple[int, Size]:
    """Side and number of a run's images."""
    data = resolve_run("prepare", run.line.data, params, "the plan").settings["data"]
    size = expected_size(data)
    if size is None:
        raise SettingsError(
            f"{run.stage}/{run.name}: data.{run.line.data}.root {data.root!r} is not on this "
            "machine, so its images cannot be counted; estimate where they are"
        )
    return data.image_size, size


def _network(run: Run, params: dict[str, Any], batch: int, side: int) -> Counted:
    if run.stage == "search":
        return supernet_work(run.settings["space"], batch, side)
    return network_work(*_discrete(run, params), batch, side)


def _discrete(run: Run, params: dict[str, Any]) -> tuple[SpaceSettings, Network]:
    """The space that a run's network comes from, and the network's size."""
    return _searched_space(run, params), run.settings["network"]


def _searched_space(run: Run, params: dict[str, Any]) -> SpaceSettings:
    """The space of the search that a run's architecture comes from."""
    stage, _, name = search_of(f"{run.stage}/{run.name}", of_plan(params)).partition("/")
    return resolve_run(stage, name, params, "the plan").settings["space"]


def _runs(stage: str, params: dict[str, Any]) -> Iterator[Run]:
    typed_sections: dict[str, Any] = {}
    for name in params[stage]:
        yield resolve_run(stage, name, params, "the plan", typed_sections)
