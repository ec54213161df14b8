"""What a plan will cost: runs, arithmetic, hours and disk, from counted work and device rates."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tabulate import tabulate

from nassl.files import InputError, read_json
from nassl.settings import SettingsError
from stages.plan.estimate.gpu_rates import SHEETS
from stages.plan.estimate.machine import (
    SETUP_SECONDS,
    START_SECONDS,
    on_gpu,
    one_gpu,
    this_machine,
)
from stages.plan.estimate.run import run_bytes, run_work
from stages.plan.estimate.schedule import makespan, upstream_of
from stages.plan.lineage import runs_of
from stages.runs.lines import RUNS, results_folder

FLEETS = (1, 8, 64)  # numbers of GPUs
# Stages whose estimate is compared with measured times, and the largest allowed factor.
CHECKED = ("search", "score", "retrain", "pretrain", "probe")
FACTOR = 2.0


def estimate(params: dict[str, Any], gpu: str) -> str:
    """A table per stage. Raises SettingsError for an unknown GPU or an uncounted data set."""
    if gpu not in SHEETS:
        raise SettingsError(f"--gpu is {gpu!r}; available: {', '.join(SHEETS)}")
    here = this_machine(params, gpu)
    rows, total, gpu_hours_of = [], [0, 0.0, 0.0, 0.0, 0.0], {}
    for stage in RUNS:
        runs = runs_of(params, stage)
        work = [run_work(run, params) for run in runs]
        starts = len(runs) * (START_SECONDS + SETUP_SECONDS)
        for run, w in zip(runs, work, strict=True):
            seconds = on_gpu(gpu, run, params, w) + START_SECONDS + SETUP_SECONDS
            gpu_hours_of[f"{stage}/{run.name}"] = seconds / 3600
        done = zip(runs, work, strict=True)
        hours = (sum(here.seconds(run, params, w) for run, w in done) + starts) / 3600
        gpu_hours = sum(gpu_hours_of[f"{stage}/{run.name}"] for run in runs)
        disk = sum(run_bytes(run, params) for run in runs) / 1e9
        rows.append([stage, len(runs), sum(w.flops for w in work) / 1e12, hours, gpu_hours, disk])
        total = [a + b for a, b in zip(total, rows[-1][1:], strict=True)]
    rows.append(["together", *total])
    head = ["stage", "runs", "TFLOP", "hours, one job at a time here", f"{gpu}-hours", "disk, GB"]
    table = tabulate(rows, headers=head, floatfmt=("", "", ",.1f", ",.2f", ",.2f", ",.2f"))
    edges = upstream_of(params)
    asked = {name: _devices(name, params) for name in gpu_hours_of}
    times = [f"{makespan(gpu_hours_of, edges, count, asked):,.1f} h on {count}" for count in FLEETS]
    return (
        f"{table}\n\n"
        f"Here, on {here.name}, {here.at_once} at a time: {here.hours(params):,.1f} h.\n"
        f"{gpu}s, a run on as many as it asks for: {', '.join(times)}; "
        f"the longest chain of runs takes "
        f"{makespan(gpu_hours_of, edges, sum(asked.values()), asked):,.1f} h.\n"
        f"Here: {here.speed};\n{one_gpu(gpu).speed}.\n"
        f"{START_SECONDS + SETUP_SECONDS:.1f} s a job for its start. "
        "Searched cells are counted as the random cell of seed 0, searched chains of blocks as "
        "ResNet-50,\nsub-networks of a search as their mean.\n"
        "Disk: results; DVC's cache holds them a second time unless the file system can share "
        "them."
    )


def _devices(name: str, params: dict[str, Any]) -> int:
    return max(1, params["resources"][name.partition("/")[0]]["gpus"])


def check(params: dict[str, Any], results: Path) -> str:
    """Compares estimated with measured seconds per stage, for the runs that are finished in
    `results`.

    Raises InputError if none is, or if a stage is off by more than FACTOR.
    """
    rows, off = [], []
    here = this_machine(params, "A100")
    for stage in CHECKED:
        estimated = measured = 0.0
        count = 0
        for run in runs_of(params, stage):
            file = results / results_folder(stage, run.name, vars(run.line)) / "cost.json"
            work = run_work(run, params)
            if not file.exists() or not work.flops:
                continue
            count += 1
            estimated += SETUP_SECONDS + here.seconds(run, params, work)
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
