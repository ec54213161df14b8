"""What one run will compute, and what it will leave on the disk."""

from __future__ import annotations

from typing import Any

from nassl.settings import Network, SettingsError, Size, SpaceSettings
from stages.plan.datasets import expected_size
from stages.plan.estimate.detection_work import transfer_flops
from stages.plan.estimate.phases import phases
from stages.plan.estimate.work import (
    Counted,
    Work,
    network_parameters,
    network_work,
    supernet_work,
    views_work,
)
from stages.plan.lineage import of_plan, search_of
from stages.runs.run import Run, resolve_run

SMALL_FILES = 1e5  # bytes: metrics, curves, genotype of a run
# Measured on one CPU: what a step of lab's search network, cells and ResNet-18 holds for the
# backward pass, of the bytes that its forward pass reads and writes (0.30, 0.36, 0.42), and a
# process without a network (0.5 to 0.7 GB).
HELD = 0.42
PROCESS = 0.8e9  # bytes; with views
# Whether a run leaves its network's weights behind.
KEPT = {"search": 0, "score": 0, "retrain": 1, "pretrain": 1, "probe": 0, "transfer": 0}


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


def run_memory(run: Run, params: dict[str, Any]) -> float:
    """Bytes that a run's training holds at a time; without training, of its process."""
    found = [0.0]
    if run.stage not in ("prepare", "select", "transfer"):
        side, size = _data(run, params)
        for phase in phases(run, size):
            if phase.steps:
                counted = _network(run, params, phase.batch, phase.views.size or side)
                found.append(HELD * counted.forward.bytes)
    return PROCESS + max(found)


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
    recipe = run.settings["recipe"]
    kept = recipe.epochs // recipe.keep_every if recipe.keep_every else 0
    weights = (objective.copies + kept) * network_parameters(*_discrete(run, params))
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
    return searched_space(run, params), run.settings["network"]


def searched_space(run: Run, params: dict[str, Any]) -> SpaceSettings:
    """The space of the search that a run's architecture comes from."""
    stage, _, name = search_of(f"{run.stage}/{run.name}", of_plan(params)).partition("/")
    return resolve_run(stage, name, params, "the plan").settings["space"]
