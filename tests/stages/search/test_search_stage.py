"""The stage on tiny data: repeatable, resumable at any moment, without labels where none belong."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from argparse import Namespace
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from nassl.data.batches import Batches
from nassl.data.images import open_images
from nassl.files import InputError
from nassl.genotypes import read_genotype
from nassl.genotypes.cell import derive, random_genotype
from nassl.genotypes.resnet import ResNetGenotype
from nassl.objectives.simclr import SimCLRObjective
from nassl.settings import (
    CellSpace,
    Darts,
    Data,
    FixedSpace,
    Manual,
    MoCo,
    Random,
    Recipe,
    SettingsError,
    SimCLR,
    Supervised,
    Views,
)
from stages.prepare.write import Part, Prepared, write
from stages.runs.lines import Resources, SearchRun
from stages.runs.run import Run
from stages.search.__main__ import search
from stages.search.data import Cycle
from tests.outputs import contents

REPOSITORY = Path(__file__).parents[3]
EPOCHS, STEPS = 2, 3
VIEWS = Views("resized", crop_scale=[0.5, 1.0], flip=0.5, jitter=0.8, brightness=0.4)
RECIPE = Recipe(
    EPOCHS, 4, "sgd", 0.05, "cosine", 3e-4, final_learning_rate=0.001, momentum=0.9, clip=5.0
)
OBJECTIVES = {
    "simclr": SimCLR("simclr", 0.5, 0, 8, VIEWS),
    "supervised": Supervised("supervised", 0.0, 0.0, VIEWS),
    "moco": MoCo("moco", 0.2, 0.9, 64, "mlp", 8, 8, 2, VIEWS),
}


def make_run(order=1, objective="simclr", separate=True, seed=0, **settings):
    chosen = {
        "space": CellSpace("cell", 2, 1, "cifar"),
        "strategy": Darts("darts", order, separate, 0.5, 0.01, [0.5, 0.999], 1e-3),
        "objective": OBJECTIVES[objective],
        "recipe": RECIPE,
    }
    line = SearchRun("tiny", "labels", "space", "strategy", objective, "recipe", seed)
    return Run("search", f"tiny-{objective}", line, chosen | settings, Resources(1, 1, 0, 0, 1), ())


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("prepared")
    generator = np.random.default_rng(0)
    labels = np.arange(24) % 3
    pixels = generator.integers(0, 256, (24, 8, 8, 3), dtype=np.uint8)
    write(
        Prepared({"train": Part(pixels, labels)}, ["a", "b", "c"]),
        Data("folder", 8),
        folder,
    )
    return folder


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Checkpoints go to the working directory."""
    monkeypatch.chdir(tmp_path)


def run_search(run, data, out, labels=None):
    """Contents of all outputs but the cost. A supervised run gets labels unless told otherwise."""
    supervised = run.settings["objective"].kind == "supervised"
    labels = labels or ("labels" if supervised else "no-labels")
    out.mkdir(exist_ok=True)
    search(run, Namespace(images=data / "images", labels=data / labels, out=out), out)
    return contents(out)


def test_outputs(data, tmp_path):
    files = run_search(make_run(), data, tmp_path / "out")
    metrics, alphas = json.loads(files["metrics.json"]), json.loads(files["alphas.json"])
    assert [entry["epoch"] for entry in alphas] == [1, 2]
    assert np.shape(alphas[-1]["normal"]) == np.shape(alphas[-1]["reduce"]) == (14, 8)
    found = read_genotype(tmp_path / "out/genotype.json")
    assert found == derive(alphas[-1]["normal"], alphas[-1]["reduce"])
    assert metrics["validation_images"] == 12
    assert metrics["supernet_parameters"] > 5000
    assert metrics["collapsed"] == (metrics["skip_connections"] > 2)
    assert 0 < metrics["final_validation_loss"] < 10
    assert -2 < metrics["final_validation_margin"] < 2
    curves = {Path(name).stem for name in files if name.endswith(".tsv")}
    assert curves == {
        "train_loss", "validation_loss", "learning_rate", "entropy_normal", "entropy_reduce",
        "skip_connections",
    }  # fmt: skip
    table = files["curves/plots/metrics/train_loss.tsv"].decode().splitlines()
    assert len(table) == 1 + EPOCHS
    assert json.loads((tmp_path / "out/cost.json").read_text())["seconds"] > 0
    assert not (tmp_path / ".checkpoints/search/tiny-simclr").exists()


def test_the_seed_decides_every_bit(data, tmp_path):
    first = run_search(make_run(), data, tmp_path / "a")
    assert run_search(make_run(), data, tmp_path / "b") == first
    assert run_search(make_run(seed=1), data, tmp_path / "c") != first


class Stopped(Exception):
    pass


@pytest.mark.parametrize(
    ("order", "objective", "separate"),
    [(1, "simclr", True), (2, "simclr", False), (2, "supervised", True)],
)
def test_a_killed_search_ends_with_the_same_bits(
    data, tmp_path, monkeypatch, order, objective, separate
):
    run = make_run(order, objective, separate)
    expected = run_search(run, data, tmp_path / "whole")
    monkeypatch.setenv("NASSL_CHECKPOINT_SECONDS", "0")
    original, places = Cycle.at, []
    for stop in (2, 4):  # within the first epoch, then within the second

        def at(self, place, stop=stop):
            places.append(place)
            if place == stop:
                raise Stopped
            return original(self, place)

        monkeypatch.setattr(Cycle, "at", at)
        with pytest.raises(Stopped):
            run_search(run, data, tmp_path / "killed")
    monkeypatch.setattr(Cycle, "at", original)
    assert run_search(run, data, tmp_path / "killed") == expected
    assert places == [0, 1, 2, 2, 3, 4]


def test_sigkill_within_an_epoch(data, tmp_path):
    expected = run_search(make_run(), data, tmp_path / "whole")
    code = """
        import os, signal, sys
        from pathlib import Path
        sys.path.insert(0, sys.argv[1])
        import test_search_stage as tests
        from stages.search.data import Cycle
        original = Cycle.at
        def at(self, place):
            if place == 4:
                os.kill(os.getpid(), signal.SIGKILL)
            return original(self, place)
        Cycle.at = at
        tests.run_search(tests.make_run(), Path(sys.argv[2]), Path(sys.argv[3]))
    """
    killed = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), Path(__file__).parent, data, tmp_path / "k"],
        env=os.environ | {"NASSL_CHECKPOINT_SECONDS": "0", "PYTHONPATH": str(REPOSITORY)},
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    assert (tmp_path / ".checkpoints/search/tiny-simclr/training.ckpt").exists()
    assert not (tmp_path / "k/genotype.json").exists()
    assert run_search(make_run(), data, tmp_path / "k") == expected


def test_what_the_steps_of_an_iteration_see(data, tmp_path, monkeypatch):
    """Second order: the same training views in all losses of an iteration, alpha a constant in the
    weight step, and running statistics that only weight steps update."""
    calls, networks = [], []
    original = SimCLRObjective.loss

    def loss(self, network, images, labels=None):
        kind = (torch.initial_seed(), hash(images.numpy().tobytes()))
        calls.append((kind, network.alpha_reduce.requires_grad))
        networks.append(network)
        return original(self, network, images, labels)

    monkeypatch.setattr(SimCLRObjective, "loss", loss)
    run_search(make_run(order=2), data, tmp_path / "out")
    iterations = [calls[start : start + 5] for start in range(0, len(calls), 5)]
    assert len(iterations) == EPOCHS * STEPS
    for virtual, validation, above, below, weights in iterations:
        assert virtual[0] == above[0] == below[0] == weights[0]
        assert len({virtual[0], validation[0]}) == 2
        assert [call[1] for call in (virtual, validation, above, below, weights)] == [
            False, True, True, True, False,
        ]  # fmt: skip
    assert len({iteration[0][0] for iteration in iterations}) == EPOCHS * STEPS
    counts = [b for name, b in networks[0].named_buffers() if name.endswith("batches_tracked")]
    assert {int(count) for count in counts} <= {0, EPOCHS * STEPS}
    assert max(counts) == EPOCHS * STEPS


def test_a_cycle_gives_the_batch_of_its_place(data):
    images = open_images(data / "images", "train")
    batches = Batches(images, None, np.arange(12), 4, 5)
    expected = [batch.images for epoch in range(3) for _, batch in batches.epoch(epoch)]
    assert len({tensor.numpy().tobytes() for tensor in expected}) == 9
    for start in (0, 2, 3, 7):
        cycle = Cycle(batches)
        for place in range(start, 9):
            assert torch.equal(cycle.at(place).images, expected[place])


def test_labels_do_not_reach_a_search_without_labels(data, tmp_path):
    without = run_search(make_run(), data, tmp_path / "a", labels="no-labels")
    assert run_search(make_run(), data, tmp_path / "b", labels="labels") == without
    assert run_search(make_run(), data, tmp_path / "c", labels="nowhere") == without
    with pytest.raises(InputError, match=r"no-labels holds no labels; this run needs them"):
        run_search(make_run(objective="supervised"), data, tmp_path / "d", labels="no-labels")


def test_one_set_means_all_images_for_both_steps(data, tmp_path):
    files = run_search(make_run(separate=False), data, tmp_path / "out")
    assert json.loads(files["metrics.json"])["validation_images"] == 24


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_darts_takes_every_objective_in_both_orders(data, tmp_path, objective, order):
    """As do evolution and ProxylessNAS, in their own tests."""
    files = run_search(make_run(order, objective), data, tmp_path / "out")
    alphas = json.loads(files["alphas.json"])
    moved = np.abs(np.subtract(alphas[1]["normal"], alphas[0]["normal"]))
    assert (moved > 0).mean() > 0.9
    assert 0 < json.loads(files["metrics.json"])["final_validation_loss"] < 10


def test_a_supervised_search_reports_its_accuracy(data, tmp_path):
    files = run_search(make_run(objective="supervised"), data, tmp_path / "out")
    metrics = json.loads(files["metrics.json"])
    assert 0 <= metrics["final_validation_accuracy"] <= 1
    assert "final_validation_margin" not in metrics


def test_random_and_manual_train_nothing(data, tmp_path):
    drawn = run_search(make_run(strategy=Random("random"), seed=3), data, tmp_path / "a")
    assert read_genotype(tmp_path / "a/genotype.json") == random_genotype(3)
    assert drawn["alphas.json"] == b"[]\n"
    assert (tmp_path / "a/curves").is_dir()
    fixed = {"strategy": Manual("manual"), "space": FixedSpace("resnet", 18)}
    run_search(make_run(**fixed), data, tmp_path / "b")
    assert read_genotype(tmp_path / "b/genotype.json") == ResNetGenotype(18)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"space": FixedSpace("resnet", 18)}, "'darts' cannot search the space 'resnet'.*: cell"),
        ({"strategy": Manual("manual")}, "'manual' cannot search the space 'cell'.*: resnet"),
        ({"recipe": replace(RECIPE, optimizer="adam")}, "recipe.optimizer is 'adam'; set it"),
        (
            {"recipe": replace(RECIPE, precision="bfloat16")},
            "precision is 'bfloat16' with strategy.order 2.*; set it to float32",
        ),
        ({"recipe": replace(RECIPE, schedule="linear")}, "recipe.schedule is 'linear'; available"),
        (
            {"strategy": replace(make_run().settings["strategy"], order=3)},
            "strategy.order is 3; available: 1, 2",
        ),
    ],
)
def test_what_does_not_fit_is_refused(data, tmp_path, settings, message):
    with pytest.raises(SettingsError, match=message):
        run_search(make_run(order=2, **settings), data, tmp_path / "out")
    assert list((tmp_path / "out").glob("*.json")) == []


def test_a_batch_larger_than_a_share_is_refused(data, tmp_path):
    recipe = replace(RECIPE, batch_size=16)
    with pytest.raises(InputError, match="12 images do not fill one batch of 16"):
        run_search(make_run(recipe=recipe), data, tmp_path / "out")
