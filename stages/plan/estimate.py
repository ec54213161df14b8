"""What a plan will cost: runs, arithmetic and hours, from counted FLOPs and device rates."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import astuple
from functools import cache
from typing import Any

import torch
from tabulate import tabulate

from stages.core.lines import RUNS
from stages.core.networks.build import build_network
from stages.core.networks.size import flops
from stages.core.networks.supernet import Supernet
from stages.core.run import Run, resolve_run
from stages.core.settings import CellSpace, Network, SettingsError
from stages.core.spaces.block import resnet50
from stages.core.spaces.dense import random_dense
from stages.core.spaces.genotype import ResNetGenotype, random_genotype
from stages.plan.datasets import Size, expected_size
from stages.plan.schedule import makespan, upstream_of

# Peak of float32 multiplications with tensor cores off, in TFLOP/s (vendors' data sheets).
GPUS = {"V100": 15.7, "A100": 19.5, "H100": 67.0, "RTX3090": 35.6, "RTX4090": 82.6}
GPU_SHARE = 0.3  # assumed: the share of the peak that small convolutions reach
CPU_SHARE = 0.25  # measured at toy scale: the share of the matrix product's rate
FLEETS = (1, 8, 64)  # numbers of GPUs
START_SECONDS = 4.0  # measured: a job's start, DVC and torch imported
# Forward passes of the network per image of a training step; backward costs about two. SimCLR has
# two views, MoCo's second view goes through the teacher alone.
TRAIN = {"supervised": 3, "simclr": 6, "moco": 4}
EVALUATE = {"supervised": 1, "simclr": 2, "moco": 2}
# A pair of steps (one of alpha, one of the weights), in units of a weight step. DARTS, first order:
# alpha 2 passes of 3 (its gradient needs no gradient of the weights). Second: the virtual step 3,
# the unrolled gradient 3, two passes for the Hessian product 4. ProxylessNAS: two paths.
STEP_PAIR = {"darts-1": 5 / 3, "darts-2": 13 / 3, "proxyless": 3, "evolution": 1}


def estimate(params: dict[str, Any], gpu: str) -> str:
    """A table per stage. Raises SettingsError for an unknown GPU or an uncounted data set."""
    if gpu not in GPUS:
        raise SettingsError(f"--gpu is {gpu!r}; there are: {', '.join(GPUS)}")
    rate = measured_rate(max(r["threads"] for r in params["resources"].values()))
    gpu_rate = GPUS[gpu] * 1e12 * GPU_SHARE
    rows, total = [], [0, 0.0, 0.0, 0.0]
    hours_of = {}
    for stage in RUNS:
        named = {f"{stage}/{run.name}": run_work(run, params) for run in _runs(stage, params)}
        work = list(named.values())
        hours_of |= {name: (w / gpu_rate + START_SECONDS) / 3600 for name, w in named.items()}
        hours = (sum(work) / (rate * CPU_SHARE) + len(work) * START_SECONDS) / 3600
        gpu_hours = (sum(work) / gpu_rate + len(work) * START_SECONDS) / 3600
        rows.append([stage, len(work), sum(work) / 1e12, hours, gpu_hours])
        total = [a + b for a, b in zip(total, rows[-1][1:], strict=True)]
    rows.append(["together", *total])
    head = ["stage", "runs", "TFLOP", "hours, one job at a time here", f"{gpu}-hours"]
    table = tabulate(rows, headers=head, floatfmt=("", "", ",.1f", ",.2f", ",.2f"))
    upstream = upstream_of(params)
    times = [f"{makespan(hours_of, upstream, count):,.1f} h on {count}" for count in FLEETS]
    return (
        f"{table}\n\n"
        f"{gpu}s, a run on each: {', '.join(times)}; "
        f"the longest chain of runs takes {makespan(hours_of, upstream, len(hours_of)):,.1f} h.\n"
        f"Here: {rate / 1e9:.0f} GFLOP/s measured in a matrix product, {CPU_SHARE:.0%} of it "
        f"reckoned with; {gpu}: {GPUS[gpu]} TFLOP/s by its data sheet, {GPU_SHARE:.0%} reckoned "
        f"with;\n{START_SECONDS:.0f} s a job for its start. Searched cells are counted as the "
        "random cell\nof seed 0, searched chains of blocks as ResNet-50."
    )


def run_work(run: Run, params: dict[str, Any]) -> float:
    """FLOPs (two per multiply-add) of a run's training and evaluation."""
    if run.stage in ("prepare", "select"):
        return 0.0
    data = resolve_run("prepare", run.line.data, params, "the plan").settings["data"]
    size = expected_size(data)
    if size is None:
        raise SettingsError(
            f"{run.stage}/{run.name}: a folder's images are counted when it is prepared; "
            "set data.<name>.train to estimate before"
        )
    counts = {
        "search": _search_passes, "score": _score_passes, "retrain": _retrain_passes,
        "pretrain": _pretrain_passes, "probe": _probe_passes,
    }[run.stage]  # fmt: skip
    passes = counts(run, size)
    views = getattr(run.settings.get("objective", run.settings.get("linear")), "views", None)
    side = (views.size if views else 0) or data.image_size
    return 2.0 * passes * _multiply_adds(run, params, side) if passes else 0.0


def measured_rate(threads: int, side: int = 1024, seconds: float = 0.5) -> float:
    """FLOP/s of a float32 matrix product on this machine's CPU."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    a = torch.rand(side, side)
    a @ a
    start, count = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        a @ a
        count += 1
    torch.set_num_threads(before)
    return count * 2 * side**3 / (time.perf_counter() - start)


# ------------------------------------- image passes through the network ----


def _search_passes(run: Run, size: Size) -> float:
    strategy, kind = run.settings["strategy"], run.settings["objective"].kind
    if kind == "none":
        return 0
    name = f"darts-{strategy.order}" if strategy.kind == "darts" else strategy.kind
    share = 1 - strategy.validation_fraction if getattr(strategy, "separate_sets", True) else 1
    trained = share * TRAIN[kind] * STEP_PAIR[name]
    evaluated = strategy.validation_fraction * EVALUATE[kind]
    return run.settings["recipe"].epochs * (trained + evaluated) * _images(run, size)


def _score_passes(run: Run, size: Size) -> float:
    recipe, kind = run.settings["recipe"], run.settings["objective"].kind
    trained = recipe.epochs * TRAIN[kind] * (1 - recipe.validation_fraction)
    evaluated = recipe.validation_fraction * EVALUATE[kind]
    return (trained + evaluated) * _images(run, size)


def _retrain_passes(run: Run, size: Size) -> float:
    return run.settings["recipe"].epochs * TRAIN["supervised"] * size.train + size.test


def _pretrain_passes(run: Run, size: Size) -> float:
    recipe, kind = run.settings["recipe"], run.settings["objective"].kind
    return recipe.epochs * TRAIN[kind] * size.label_free


def _probe_passes(run: Run, size: Size) -> float:
    linear, finetune = run.settings["linear"], run.settings["finetune"]
    passes = 0.0
    if linear.kind == "linear":
        fixed = linear.views.crop == "none" and not linear.views.flip
        epochs = 1 if fixed else linear.recipe.epochs
        passes += 2 * (epochs * size.train + size.test)  # pretrained and random weights
    if finetune.kind == "finetune":
        passes += (
            finetune.recipe.epochs * TRAIN["supervised"] * finetune.label_fraction * size.train
            + size.test
        )
    return passes


def _images(run: Run, size: Size) -> int:
    return size.train if run.settings["objective"].kind == "supervised" else size.label_free


def _multiply_adds(run: Run, params: dict[str, Any], side: int) -> int:
    if run.stage == "search":
        space, strategy = run.settings["space"], run.settings["strategy"].kind
        if strategy == "darts":
            return _supernet_multiply_adds(astuple(space), side)
        network = Network(space.stem, space.channels, getattr(space, "cells", 0))
    else:
        space, network = _searched_space(run, params), run.settings["network"]
    depth = tuple(getattr(space, "depths", ())) or getattr(space, "depth", 0)
    return _network_multiply_adds(space.kind, depth, astuple(network), side)


def _searched_space(run: Run, params: dict[str, Any]) -> Any:
    """The space of the search that a run's architecture comes from."""
    if run.stage == "score":
        name = run.line.search
    else:
        if run.stage == "probe":
            run = resolve_run("pretrain", run.line.pretrain, params, "the plan")
        stage, _, name = run.line.architecture.partition("/")
        if stage == "select":
            name = params["score"][params["select"][name]["candidates"][0]]["search"]
    return resolve_run("search", name, params, "the plan").settings["space"]


@cache
def _supernet_multiply_adds(space: tuple, side: int) -> int:
    return flops(Supernet(CellSpace(*space)), side)


@cache
def _network_multiply_adds(kind: str, depth: int | tuple, network: tuple, side: int) -> int:
    genotypes = {
        "cell": lambda: random_genotype(0),
        "dense": lambda: random_dense(0),
        "block": lambda: resnet50(depth),
        "resnet": lambda: ResNetGenotype(depth),
    }
    return flops(build_network(genotypes[kind](), Network(*network), side), side)


def _runs(stage: str, params: dict[str, Any]) -> Iterator[Run]:
    typed_sections: dict[str, Any] = {}
    for name in params[stage]:
        yield resolve_run(stage, name, params, "the plan", typed_sections)
