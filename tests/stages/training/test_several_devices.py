"""Runs on two devices (processes on the CPU) against the same runs in one process: the batch is as
large, each process has half of it. Nothing is drawn in a view, so that all see the same images."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import load_file

from nassl.data.batches import Batches
from nassl.data.views import PlainView, RandomViews
from nassl.files import InputError
from stages.pretrain.__main__ import pretrain
from stages.probe.__main__ import probe
from stages.retrain.__main__ import retrain
from stages.runs.run import read_run
from stages.search.__main__ import search
from stages.training import launch
from stages.training.launch import start_on_devices
from tests.conftest import with_changes

ROOT = Path(__file__).resolve().parents[3]
SGD = {
    "epochs": 1, "batch_size": 24, "optimizer": "sgd", "learning_rate": 0.05, "momentum": 0.9,
    "schedule": "constant", "weight_decay": 1e-4,
}  # fmt: skip
SECOND = {
    "kind": "darts", "order": 2, "separate_sets": True, "validation_fraction": 0.5,
    "alpha_learning_rate": 0.1, "alpha_betas": [0.5, 0.999], "alpha_weight_decay": 0.001,
}  # fmt: skip
MOCO = {
    "kind": "moco", "temperature": 0.2, "momentum": 0.9, "queue": 64, "head": "mlp", "hidden": 8,
    "projection": 8, "groups": 2, "views": {"crop": "none"},
}  # fmt: skip
CHANGES = {
    "recipe.sgd": SGD,
    "recipe.train": SGD,
    "recipe.pretrain": SGD,
    "recipe.search": SGD,
    "objective.moco": MOCO,
    "strategy.second": SECOND,
    "space.one-cell": {"kind": "cell", "stem": "cifar", "channels": 2, "cells": 1},
    "search.second": {
        "data": "digits", "labels": "labels", "space": "one-cell", "strategy": "second",
        "objective": "supervised", "recipe": "search", "seed": 0,
    },
    "objective.supervised.auxiliary_weight": 0.0,
    "retrain.s.objective": "auxiliary",
    "objective.auxiliary": {
        "kind": "supervised", "label_smoothing": 0.1, "auxiliary_weight": 0.4,
        "views": {"crop": "none"},
    },
    "pretrain.moco": {
        "data": "digits", "architecture": "select/s", "network": "cells", "objective": "moco",
        "recipe": "pretrain", "seed": 0,
    },
    "protocol.half.recipe": SGD,
    "protocol.linear.recipe": SGD,
}  # fmt: skip
ONE_STEP = {
    "recipe.search.batch_size": 48,  # half of the images are for the weights
    "recipe.train.batch_size": 96,
    "recipe.pretrain.batch_size": 96,
}
RUNS = {
    "search-first-simclr": (search, "s"),
    "search-second-supervised": (search, "second"),
    "retrain-supervised": (retrain, "s"),
    "pretrain-simclr": (pretrain, "s"),
    "pretrain-moco": (pretrain, "moco"),
    "probe": (probe, "s"),
}
# Sums are made in another order. In double precision only a wrong computation shows, after several
# steps too. In single precision a ReLU or a pool on the other side of a tie changes a gradient, and
# every step multiplies that: one step is compared (of alpha, whose step has the size of its rate).
TOLERANCE = {
    ("float64", "search"): 1e-7,
    ("float64", "retrain"): 1e-10,
    ("float64", "pretrain"): 1e-10,
    ("float32", "search"): 1e-4,
    ("float32", "retrain"): 1e-4,
    ("float32", "pretrain"): 1e-4,
}
IN_FLOAT32 = ("search-first-simclr", "retrain-supervised", "pretrain-simclr", "pretrain-moco")
CASES = [("float64", name) for name in RUNS] + [("float32", name) for name in IN_FLOAT32]


def fixed_views(self, images):
    """The image, and for the second half of a doubled batch its mirror."""
    x = self._normalise(images.to(torch.get_default_dtype()) / 255)
    half = len(x) // 2
    if torch.equal(images[:half], images[half:]):
        x[half:] = x[half:].flip(3)
    return x


def every_run(_, inputs, out):
    """A stage function that runs all of CASES, each into its folder."""
    RandomViews.__call__ = PlainView.__call__ = fixed_views
    for precision, name in CASES:
        torch.set_default_dtype(getattr(torch, precision))
        stage, run = RUNS[name]
        (out / precision / name).mkdir(parents=True)
        plan = inputs.plans / f"{precision}.yaml"
        stage(read_run(stage.__name__, run, plan), inputs, out / precision / name)


@pytest.fixture(scope="module")
def folders(digits, tmp_path_factory):
    """Outputs of one process, and of two."""
    from nassl.genotypes import write_genotype
    from nassl.genotypes.cell import random_genotype

    place = tmp_path_factory.mktemp("several")
    for precision, changes in (("float64", {}), ("float32", ONE_STEP)):
        text = yaml.safe_dump(with_changes(CHANGES | changes))
        (place / f"{precision}.yaml").write_text(text)
    write_genotype(place / "genotype.json", random_genotype(0))
    inputs = Namespace(
        plans=place, images=digits / "images", labels=digits / "labels",
        genotype=place / "genotype.json", pretrain=place / "one" / "float64" / "pretrain-simclr",
    )  # fmt: skip
    two = with_changes(CHANGES | {"resources.pretrain.gpus": 2})
    (place / "two.yaml").write_text(yaml.safe_dump(two))
    before, views, plain = Path.cwd(), RandomViews.__call__, PlainView.__call__
    os.chdir(place)
    try:
        every_run(None, inputs, place / "one")
        start_on_devices(
            every_run, read_run("pretrain", "s", place / "two.yaml"), inputs, place / "two"
        )
    finally:
        os.chdir(before)
        RandomViews.__call__, PlainView.__call__ = views, plain
        torch.set_default_dtype(torch.float32)
    return place / "one", place / "two"


def trained_values(folder):
    """All that a run trained, as one tensor: weights or alphas. Of MoCo no running statistics:
    two processes average theirs, one process lets one group follow the other."""
    if (folder / "alphas.json").exists():
        history = json.loads((folder / "alphas.json").read_text())
        alphas = [[epoch["normal"], epoch["reduce"]] for epoch in history]
        return torch.tensor(alphas, dtype=torch.float64).flatten()
    files = sorted(folder.glob("*.safetensors"))
    parts = [value for file in files for value in sorted(load_file(file).items())]
    skipped = ("running", "num_batches") if folder.name.endswith("moco") else ()
    return torch.cat(
        [value.double().flatten() for name, value in parts if not any(s in name for s in skipped)]
    )


@pytest.mark.parametrize(("precision", "name"), [case for case in CASES if case[1] != "probe"])
def test_two_processes_train_what_one_trains(folders, precision, name):
    one, two = (trained_values(folder / precision / name) for folder in folders)
    tolerance = TOLERANCE[precision, name.partition("-")[0]]
    torch.testing.assert_close(two, one, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", RUNS)
def test_metrics_and_curves_agree_and_cost_counts_both(folders, name):
    one, two = (folder / "float64" / name for folder in folders)
    ours, theirs = (json.loads((folder / "metrics.json").read_text()) for folder in (two, one))
    if name.endswith("moco"):  # of running statistics
        del ours["feature_norm"], theirs["feature_norm"]
    assert ours.keys() == theirs.keys()
    for key, value in theirs.items():
        assert ours[key] == (pytest.approx(value, rel=1e-6) if isinstance(value, float) else value)
    cost = json.loads((two / "cost.json").read_text())
    assert cost["devices"] == 2
    assert cost["gpu_days"] == pytest.approx(2 * cost["seconds"] / 86400)
    curves = sorted(file.relative_to(one) for file in one.rglob("*.tsv"))
    assert curves
    for curve in curves:
        values = [np.loadtxt(folder / curve, skiprows=1) for folder in (one, two)]
        np.testing.assert_allclose(values[1], values[0], rtol=1e-6)


def refusing(_, inputs, out):
    if torch.distributed.get_rank():
        torch.distributed.barrier()  # waits for a process that has failed
    raise InputError("there is nothing to train on")


def test_an_error_of_one_process_is_the_error_of_the_run(run_of, tmp_path, monkeypatch):
    monkeypatch.setattr(launch, "GRACE", 1)
    run = run_of("pretrain", "s", {"resources.pretrain.gpus": 2})
    with pytest.raises(InputError, match=r"^there is nothing to train on$"):
        start_on_devices(refusing, run, Namespace(), tmp_path)


def test_a_batch_that_cannot_be_shared_is_refused():
    with pytest.raises(
        InputError, match="batch_size is 32, which 3 devices cannot share equally; make it a"
    ):
        Batches(None, None, np.arange(64), 32, 0, part=(0, 3))


def test_sigterm_saves_and_the_next_start_ends_with_the_same_bits(digits, genotype, plan, tmp_path):
    """The command line, signalled as Slurm does it: every process of the run at once."""
    long = {"recipe.pretrain": SGD | {"epochs": 8, "batch_size": 32}, "resources.pretrain.gpus": 2}
    plan(long)
    command = [
        sys.executable, "-m", "stages.pretrain", "s", "--images", str(digits / "images"),
        "--genotype", str(genotype), "--out",
    ]  # fmt: skip
    environment = os.environ | {"PYTHONPATH": str(ROOT)}

    def start(out):
        return subprocess.Popen(
            [*command, str(tmp_path / out)], cwd=tmp_path, env=environment,
            stderr=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip

    def epochs_of(process):
        return [int(line.split()[2].partition("/")[0]) for line in process.stderr if "/8 " in line]

    interrupted = start("out")
    for line in interrupted.stderr:
        if line.startswith("pretrain s 1/8"):
            break
    os.killpg(interrupted.pid, signal.SIGTERM)
    assert interrupted.wait(60) == 75
    (saved,) = (tmp_path / ".checkpoints/pretrain/s").glob("training.ckpt")
    assert saved.exists()
    resumed = start("out")
    went_on = epochs_of(resumed)
    assert resumed.wait(60) == 0
    assert went_on[0] > 1
    assert went_on[-1] == 8
    undisturbed = start("undisturbed")
    assert epochs_of(undisturbed) == list(range(1, 9))
    assert undisturbed.wait(60) == 0
    for name in ("weights.safetensors", "head.safetensors", "metrics.json"):
        assert (tmp_path / "out" / name).read_bytes() == (
            tmp_path / "undisturbed" / name
        ).read_bytes()
