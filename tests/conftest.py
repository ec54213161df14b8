"""Shared by tests of stages: a minimal plan, and data prepared by the real stage."""

from __future__ import annotations

import copy
import signal
from argparse import Namespace
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from stages.runs.run import Run, read_run

TESTS = Path(__file__).parent
# Left out by `make quick`: real graphs, DVC, several processes, networks of the papers' size,
# detectors, a browser, random input, whole searches, simulations, and dozens of composed plans.
SLOW = [
    TESTS / name
    for name in (
        "catalogue/test_bad_plans.py",
        "fuzz",
        "nassl/parallel/test_distributed.py",
        "scenarios",
        "stages/export",
        "stages/plan/compose",
        "stages/plan/sizes/test_propose.py",
        "stages/plan/test_boxes.py",
        "stages/plan/test_own_images.py",
        "stages/plan/test_paper_scale.py",
        "stages/plan/test_paper_sizes.py",
        "stages/report/numbers/study/test_coverage.py",
        "stages/report/test_browser.py",
        "stages/search/test_recorded_steps.py",
        "stages/search/test_search_stage.py",
        "stages/training/test_several_devices.py",
        "stages/transfer",
        "workflow/test_dvc_job.py",
    )
]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--quick", action="store_true", help="without what takes long: tests/conftest")


def pytest_configure() -> None:
    # Tests send these; `nohup` and a shell's `&` have them ignored.
    for number, handler in (
        (signal.SIGHUP, signal.SIG_DFL),
        (signal.SIGINT, signal.default_int_handler),
    ):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, handler)
    if missing := [str(path) for path in SLOW if not path.exists()]:
        raise pytest.UsageError(f"tests/conftest.py, SLOW: not there: {', '.join(missing)}")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    return True if config.getoption("quick") and collection_path in SLOW else None


@pytest.hookimpl(wrapper=True)  # before xdist, which reads the groups in the same hook
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Iterator:
    """For several workers (`-n`): tests of a file stay together, because they share what the file
    prepares; so do those of the one project that has run. The longest come first, so that no worker
    is left with one of them at the end."""
    _skip_without_gpu(items)
    if hasattr(config, "workerinput"):
        for item in items:
            group = "project" if _shares_project(item) else str(item.path)
            item.add_marker(pytest.mark.xdist_group(group))
        items.sort(key=_place)
    yield
    if config.getoption("loadgroup", False) and items and "@" not in items[0].nodeid:
        raise pytest.UsageError("pytest-xdist does not group tests with this pytest: another pair")


def _shares_project(item: pytest.Item) -> bool:
    return "project" in getattr(item, "fixturenames", ())


def _place(item: pytest.Item) -> int:
    if _shares_project(item):
        return 0
    if "scenarios" in item.path.parts:
        return 1
    return 2 if any(item.path.is_relative_to(place) for place in SLOW) else 3


def _skip_without_gpu(items: list[pytest.Item]) -> None:
    marked = [item for item in items if item.get_closest_marker("cuda")]
    if not marked:
        return
    import torch

    if not torch.cuda.is_available():
        for item in marked:
            item.add_marker(pytest.mark.skip(reason="torch sees no GPU here; `make gpu` needs one"))


RECIPE = {
    "epochs": 1,
    "batch_size": 32,
    "optimizer": "adam",
    "learning_rate": 0.01,
    "schedule": "constant",
    "weight_decay": 0.0,
}
SMALL_CELLS = {"stem": "cifar", "channels": 2, "cells": 3}
DIGITS = {"kind": "digits", "image_size": 16, "train": 96, "test": 40}

# One entry of every section, and one line for every stage; tests change single keys of it.
PLAN: dict[str, Any] = {
    "data": {
        "digits": DIGITS,
        "digits-unlabeled": {**DIGITS, "unlabeled": 80},
    },
    "space": {
        "cells": {"kind": "cell", **SMALL_CELLS},
        "resnet": {"kind": "resnet", "depth": 18},
    },
    "network": {"cells": SMALL_CELLS, "resnet": {"stem": "cifar", "channels": 2}},
    "strategy": {
        "random": {"kind": "random"},
        "darts": {
            "kind": "darts",
            "order": 1,
            "separate_sets": True,
            "validation_fraction": 0.5,
            "alpha_learning_rate": 0.1,
            "alpha_betas": [0.5, 0.999],
            "alpha_weight_decay": 0.001,
        },
    },
    "objective": {
        "none": {"kind": "none"},
        "simclr": {
            "kind": "simclr",
            "temperature": 0.5,
            "hidden": 8,
            "projection": 8,
            "views": {"crop": "resized", "crop_scale": [0.5, 1.0], "flip": 0.5, "jitter": 0.5,
                      "brightness": 0.4},
        },
        "supervised": {
            "kind": "supervised",
            "label_smoothing": 0.0,
            "auxiliary_weight": 0.4,
            "views": {"crop": "padded", "padding": 2, "cutout": 4},
        },
    },
    "recipe": {
        "none": {**RECIPE, "epochs": 0},
        "search": {**RECIPE, "clip": 5.0},
        "score": {**RECIPE, "validation_fraction": 0.5},
        "train": {**RECIPE, "drop_path": 0.1},
        "pretrain": RECIPE,
    },
    "protocol": {
        "none": {"kind": "none"},
        "linear": {
            "kind": "linear",
            "views": {"crop": "none"},
            "recipe": {**RECIPE, "epochs": 2},
            "neighbours": 5,
            "neighbour_temperature": 0.1,
        },
        "linear-random-views": {
            "kind": "linear",
            "views": {"crop": "padded", "padding": 2, "flip": 0.5},
            "recipe": RECIPE,
            "neighbours": 5,
            "neighbour_temperature": 0.1,
            "standardise": True,
        },
        "half": {
            "kind": "finetune",
            "label_fraction": 0.5,
            "views": {"crop": "padded", "padding": 2},
            "recipe": {**RECIPE, "batch_size": 16},
        },
    },
    "prepare": {"digits": {"data": "digits"}, "digits-unlabeled": {"data": "digits-unlabeled"}},
    "search": {
        "r": {"data": "digits", "labels": "no-labels", "space": "cells", "strategy": "random",
              "objective": "none", "recipe": "none", "seed": 0},
        "s": {"data": "digits", "labels": "no-labels", "space": "cells", "strategy": "darts",
              "objective": "simclr", "recipe": "search", "seed": 0},
    },
    "score": {
        "s": {"select": "s", "search": "s", "data": "digits", "labels": "no-labels",
              "network": "cells", "objective": "simclr", "recipe": "score", "seed": 0},
        "supervised": {"select": "t", "search": "s", "data": "digits", "labels": "labels",
                       "network": "cells", "objective": "supervised", "recipe": "score",
                       "seed": 0},
    },
    "select": {"s": {"candidates": ["s"], "criterion": "contrastive_loss"}},
    "retrain": {
        "s": {"data": "digits", "architecture": "select/s", "network": "cells",
              "objective": "supervised", "recipe": "train", "seed": 0},
    },
    "pretrain": {
        "s": {"data": "digits", "architecture": "select/s", "network": "cells",
              "objective": "simclr", "recipe": "pretrain", "seed": 0},
    },
    "probe": {
        "s": {"data": "digits", "pretrain": "s", "init": "pretrained", "network": "cells",
              "linear": "linear", "finetune": "half", "seed": 0},
    },
    "resources": {
        stage: {"threads": 1, "memory_mb": 1000, "gpus": 0, "retries": 0, "minutes": 5}
        for stage in ("prepare", "search", "score", "select", "retrain", "pretrain", "probe")
    },
}  # fmt: skip


def with_changes(changes: dict[str, Any]) -> dict[str, Any]:
    """PLAN with the given dotted keys set; parts of a new entry are made as needed."""
    plan = copy.deepcopy(PLAN)
    for key, value in changes.items():
        *path, last = key.split(".")
        place = plan
        for part in path:
            place = place.setdefault(part, {})
        place[last] = copy.deepcopy(value)
    return plan


@pytest.fixture
def plan(tmp_path: Path) -> Callable[..., Path]:
    """`plan({"recipe.train.epochs": 3})` writes params.yaml with that change; gives its path."""

    def write(changes: dict[str, Any] | None = None) -> Path:
        path = tmp_path / "params.yaml"
        path.write_text(yaml.safe_dump(with_changes(changes or {})))
        return path

    return write


@pytest.fixture
def run_of(plan: Callable[..., Path]) -> Callable[..., Run]:
    """`run_of("retrain", "s", {"recipe.train.epochs": 3})` is that run of the changed plan."""
    return lambda stage, name="s", changes=None: read_run(stage, name, plan(changes))


@pytest.fixture
def call(run_of: Callable[..., Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """`call(score, "s", changes, out="a", images=..., ...)` runs a real stage function in tmp_path
    and gives its output folder. The stage is named like its function."""
    monkeypatch.chdir(tmp_path)

    def run_stage(
        stage: Callable[[Run, Namespace, Path], None],
        name: str = "s",
        changes: dict[str, Any] | None = None,
        out: str | None = None,
        **inputs: Path,
    ) -> Path:
        folder = tmp_path / (out or f"{stage.__name__}-{name}")
        folder.mkdir(parents=True, exist_ok=True)
        stage(run_of(stage.__name__, name, changes), Namespace(**inputs), folder)
        return folder

    return run_stage


@pytest.fixture(scope="session")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """96 training and 40 test digits of 16x16: a folder with images/, labels/ and no-labels/."""
    return _prepared("digits", tmp_path_factory)


@pytest.fixture(scope="session")
def digits_unlabeled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with 80 unlabeled images."""
    return _prepared("digits-unlabeled", tmp_path_factory)


def _prepared(name: str, factory: pytest.TempPathFactory) -> Path:
    from stages.prepare.__main__ import prepare

    folder = factory.mktemp(name)
    (folder / "params.yaml").write_text(yaml.safe_dump(PLAN))
    prepare(read_run("prepare", name, folder / "params.yaml"), Namespace(), folder)
    return folder


@pytest.fixture
def genotype(tmp_path: Path) -> Path:
    """A random cell as genotype.json."""
    from nassl.genotypes import write_genotype
    from nassl.genotypes.cell import random_genotype

    path = tmp_path / "genotype.json"
    write_genotype(path, random_genotype(0))
    return path
