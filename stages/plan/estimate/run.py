"""What one run will compute, and what it will leave on the disk."""

from __future__ import annotations

from typing import Any

from nassl.settings import Data, Network, SettingsError, Size, SpaceSettings
from stages.plan.annotated_images import annotated_images
from stages.plan.datasets import expected_size
from stages.plan.estimate.detection_work import transfer_work
from stages.plan.estimate.phases import phases
from stages.plan.estimate.work import (
    Counted,
    Work,
    network_parameters,
    network_work,
    supernet_work,
    views_work,
)
from stages.plan.lineage import of_plan, search_of, typed_section
from stages.plan.look import seen_of
from stages.runs.run import Run

SMALL_FILES = 1e5  # bytes: metrics, curves, genotype of a run
# Measured on one CPU: what a step of lab's search network, cells and ResNet-18 holds for the
# backward pass, of the bytes that its forward pass reads and writes (0.30, 0.36, 0.42), and a
# process without a network (0.5 to 0.7 GB).
HELD = 0.42
PROCESS = 0.8e9  # bytes; with views
# Whether a run leaves its network's weights behind.
KEPT = {"search": 0, "score": 0, "retrain": 1, "pretrain": 1, "probe": 0, "transfer": 0}


def run_work(run: Run, params: dict[str, Any]) -> Work:
    """The work of a run's training and evaluation; of `prepare`, that of reading image files."""
    work = Work()
    if run.stage == "select":
        return work
    if run.stage == "prepare":
        data = run.settings["data"]
        return Work(decoded=_images(data) * _pixels_of_a_file(data))
    if run.stage == "transfer":
        data, pretrained_on = (
            _prepared(name, params) for name in (run.line.data, run.line.pretrained_on)
        )
        space, counts = searched_space(run, params), annotated_images(data)
        return transfer_work(run, data, space, pretrained_on.image_size, counts)
    data, size = _data(run, params)
    side = data.image_size
    in_files = data.indexed(_images(data) * side**2 * 3)
    for phase in phases(run, size):
        seen = phase.views.size or side
        counted = _network(run, params, phase.batch, seen)
        work += counted.forward * (phase.passes / phase.batch) + counted.update * phase.steps
        drawn = views_work(phase.views, phase.views_batch, side)
        work += drawn * (phase.viewed / phase.views_batch)
        if in_files:
            work += Work(decoded=phase.read * _pixels_of_a_file(data))
    return work


def _images(data: Data) -> int:
    size = expected_size(data)
    return size.train + size.test + size.unlabeled if size else 0


def _pixels_of_a_file(data: Data) -> float:
    """0 for images that are not in files on this machine."""
    seen = seen_of(data)
    return seen.pixels if seen else 0.0


def run_held(run: Run, params: dict[str, Any]) -> float:
    """Bytes that a run's training holds at a time, besides its process' (PROCESS)."""
    found = [0.0]
    if run.stage not in ("prepare", "select", "transfer"):
        data, size = _data(run, params)
        side = data.image_size
        for phase in phases(run, size):
            if phase.steps:
                counted = _network(run, params, phase.batch, phase.views.size or side)
                found.append(HELD * counted.forward.bytes)
    return max(found)


def run_bytes(run: Run, params: dict[str, Any]) -> float:
    """The size of the files that a run leaves behind."""
    if run.stage == "prepare":
        data = run.settings["data"]
        pixels = _images(data) * data.image_size**2 * 3
        return SMALL_FILES if data.indexed(pixels) else SMALL_FILES + pixels
    if run.stage == "select" or not KEPT[run.stage]:
        return SMALL_FILES
    objective = run.settings["objective"]
    recipe = run.settings["recipe"]
    kept = recipe.epochs // recipe.keep_every if recipe.keep_every else 0
    weights = (objective.copies + kept) * network_parameters(*_discrete(run, params))
    return SMALL_FILES + 4.0 * (weights + objective.kept())


def _data(run: Run, params: dict[str, Any]) -> tuple[Data, Size]:
    """A run's images, and their number."""
    data = _prepared(run.line.data, params)
    size = expected_size(data)
    if size is None:
        raise SettingsError(
            f"{run.stage}/{run.name}: data.{run.line.data}.root {data.root!r} is not on this "
            "machine, so its images cannot be counted; estimate where they are"
        )
    return data, size


def _prepared(name: str, params: dict[str, Any]) -> Data:
    entry = params["prepare"][name]["data"]
    return typed_section(params, "data", entry)


def _network(run: Run, params: dict[str, Any], batch: int, side: int) -> Counted:
    if run.stage == "search":
        return supernet_work(run.settings["space"], batch, side)
    return network_work(*_discrete(run, params), batch, side)


def _discrete(run: Run, params: dict[str, Any]) -> tuple[SpaceSettings, Network]:
    """The space that a run's network comes from, and the network's size."""
    return searched_space(run, params), run.settings["network"]


def searched_space(run: Run, params: dict[str, Any]) -> SpaceSettings:
    """The space of the search that a run's architecture comes from."""
    _, _, name = search_of(f"{run.stage}/{run.name}", of_plan(params)).partition("/")
    return typed_section(params, "space", params["search"][name]["space"])
