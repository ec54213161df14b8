"""The machine that a plan is made on: how long its runs take there, how many at a time."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch

from nassl.image_files.decode import decoding_threads
from stages.plan.estimate.gpu_rates import CALL, SHEETS, describe, gpu_rates
from stages.plan.estimate.rates import DECODING, Rates, measured_rates
from stages.plan.estimate.run import PROCESS, run_held, run_work, searched_space
from stages.plan.estimate.schedule import makespan, upstream_of
from stages.plan.estimate.work import Work
from stages.plan.lineage import runs_of
from stages.runs.run import Run

START_SECONDS = 4.0  # measured: a job's start, DVC and torch imported
SETUP_SECONDS = 1.5  # measured: of a run's own time, until its first step
USABLE = 0.8  # of the memory: the rest is the system's


@dataclass(frozen=True)
class Machine:
    """`name`, and how its speed is known, for a person; `at_once` jobs run at a time, with `memory`
    bytes each. `seconds` is the time of a run's work, without the job's start."""

    name: str
    speed: str
    at_once: int
    memory: float
    seconds: Callable[[Run, dict[str, Any], Work], float]

    def hours(self, params: dict[str, Any]) -> float:
        """Until the last run of the plan has ended, as `snakemake --cores all` starts them."""
        taken = {
            f"{run.stage}/{run.name}": (
                self.seconds(run, params, run_work(run, params)) + START_SECONDS + SETUP_SECONDS
            )
            / 3600
            for run in runs_of(params)
        }
        return makespan(taken, upstream_of(params), self.at_once)

    def over(self, params: dict[str, Any]) -> float:
        """What the training of the plan's largest run holds, times the memory that there is for
        it; in proportion to the batch."""
        held = max(run_held(run, params) for run in runs_of(params))
        return held / max(self.memory - PROCESS, 1.0)


def this_machine(params: dict[str, Any], gpu: str) -> Machine:
    """The GPUs of this machine, where the plan gives its runs GPUs and torch sees them, by the data
    sheet of `gpu` if theirs is not known; otherwise its CPU."""
    if torch.cuda.is_available() and any(r["gpus"] for r in params["resources"].values()):
        count, card = torch.cuda.device_count(), torch.cuda.get_device_name()
        known = next((name for name in SHEETS if name in card.replace(" ", "")), "")
        memory = USABLE * torch.cuda.get_device_properties(0).total_memory
        card = card if known else f"{card}, taken for {gpu}"
        return replace(one_gpu(known or gpu), name=f"{count} {card}", at_once=count, memory=memory)
    threads, cores = threads_of(params), decoding_threads()
    at_once = max(1, cores // threads)
    memory = USABLE * os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / at_once
    return cpu(cores, threads, memory, measured_rates(threads))


def cpu(cores: int, threads: int, memory: float, rates: Rates) -> Machine:
    """`cores` on which jobs of so many threads run at these `rates`, with `memory` bytes each."""
    at_once = max(1, cores // threads)
    name = f"{cores} CPU core{'' if cores == 1 else 's'}"
    speed = (
        f"{threads} thread{'' if threads == 1 else 's'}, measured: {rates.flops / 1e9:.0f} GFLOP/s,"
        f" {rates.bytes / 1e9:.0f} GB/s, {rates.call * 1e6:.0f} us a call"
    )
    return Machine(name, speed, at_once, memory, lambda run, params, work: rates.seconds(work))


def one_gpu(gpu: str) -> Machine:
    """A single GPU of SHEETS."""
    speed = f"{describe(gpu)}; {CALL * 1e6:.0f} us a call"
    return Machine(f"one {gpu}", speed, 1, float("inf"), lambda *run: on_gpu(gpu, *run))


def threads_of(params: dict[str, Any]) -> int:
    return max(resources["threads"] for resources in params["resources"].values())


def on_gpu(gpu: str, run: Run, params: dict[str, Any], work: Work) -> float:
    """Seconds, by the rates of the kind of network that a run trains."""
    if not work.flops:  # nothing is trained
        return work.decoded / DECODING
    if run.stage == "search":
        space = run.settings["space"].kind
        kind = "supernet" if space == "cell" else space
    else:
        kind = searched_space(run, params).kind
    recipe = run.settings.get("recipe")
    return gpu_rates(gpu, kind, recipe.precision if recipe else "float32").seconds(work)
