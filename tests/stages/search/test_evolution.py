"""Evolution end to end on tiny data: outputs, resuming, starts."""

from __future__ import annotations

import json

import pytest

from nassl.files import InputError
from nassl.genotypes import block, dense, read_genotype, write_genotype
from nassl.genotypes.block_size import chain_parameters
from nassl.genotypes.cell import random_genotype
from nassl.genotypes.resnet import ResNetGenotype
from nassl.networks.block_network import BlockNetwork
from nassl.networks.size import flops, parameters
from nassl.objectives.moco import MoCoObjective
from nassl.settings import SettingsError
from stages.search.__main__ import search
from tests.outputs import contents

VIEWS = {"crop": "resized", "crop_scale": [0.5, 1.0], "flip": 0.5}


CHANGES = {
    "space.block": {"kind": "block", "channels": 4, "depths": [1, 2], "stem": "imagenet"},
    "space.dense": {
        "kind": "dense", "channels": 2, "cells": 1, "stem": "imagenet", "edges": "top2",
    },
    "strategy.evolution": {
        "kind": "evolution", "validation_fraction": 0.34, "elimination_epochs": 1,
        "initial_epochs": 1, "epsilon": 0.9, "final_epsilon": 0.5, "mutation_weight": 0.9,
        "loss_decay": 0.3, "size_limit": 1.3,
    },
    "objective.moco": {
        "kind": "moco", "temperature": 0.2, "momentum": 0.9, "queue": 4096, "head": "mlp",
        "hidden": 8, "projection": 8, "groups": 2, "views": VIEWS,
    },
    "recipe.evolution": {
        "epochs": 28, "batch_size": 32, "optimizer": "sgd", "learning_rate": 0.05,
        "schedule": "cosine", "weight_decay": 0.0, "momentum": 0.9,
    },
    "search.f": {
        "data": "digits", "labels": "no-labels", "space": "block", "strategy": "evolution",
        "objective": "moco", "recipe": "evolution", "seed": 0, "initial": "resnet50",
    },
}  # fmt: skip


@pytest.fixture
def evolve(call, digits):
    """`evolve(out, changes, **inputs)` gives the folder of a search."""

    def run(out="a", changes=None, labels="no-labels", **inputs):
        paths = {"images": digits / "images", "labels": digits / labels} | inputs
        return call(search, "f", CHANGES | (changes or {}), out=out, **paths)

    return run


def test_outputs_of_the_block_space(evolve):
    folder = evolve()
    genealogy = json.loads((folder / "genealogy.json").read_text())
    epochs = genealogy["epochs"]
    assert [entry["epoch"] for entry in epochs] == list(range(1, 29))
    assert genealogy["initial"] == block.resnet50((1, 2)).to_json()
    # the search network's backbone, by another count; its FLOPs by the discrete network of the size
    for entry in epochs:
        assert entry["parameters"] == chain_parameters((1, 2), entry["choice"], 4)
        assert entry["parameters"] <= 1.3 * epochs[0]["parameters"]
    start = BlockNetwork(block.resnet50((1, 2)), 4, "imagenet")
    assert genealogy["initial_size"] == {"parameters": parameters(start), "flops": flops(start, 16)}
    assert epochs[0]["flops"] == genealogy["initial_size"]["flops"]
    assert genealogy["final_size"]["parameters"] <= 1.3 * parameters(start)
    assert epochs[0]["choice"] == ["conv_3x3"] * 3
    assert epochs[0]["mutations"] == epochs[0]["dropped"] == []
    assert epochs[1]["epsilon"] == 0.9
    assert epochs[-1]["epsilon"] == pytest.approx(0.5)
    dropped = {e["epoch"]: len(e["dropped"]) for e in epochs if e["dropped"]}
    assert dropped == {8: 3, 14: 3, 19: 3, 23: 3, 26: 3, 28: 1}
    found = read_genotype(folder / "genotype.json")
    assert found.to_json() == genealogy["final"]
    gone = {(d["place"], d["operation"]) for e in epochs for d in e["dropped"]}
    assert not gone & set(enumerate(found.choice))
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["epochs"] == 28
    assert metrics["final_validation_loss"] == epochs[-1]["validation_loss"]
    assert metrics["mutations"] == sum(len(e["mutations"]) for e in epochs)
    curves = {path.stem for path in (folder / "curves").rglob("*.tsv")}
    assert {"validation_loss", "accepted_mutations", "operations_left", "train_loss"} <= curves
    assert json.loads((folder / "cost.json").read_text())["gpu_days"] > 0


def test_dense_space_keeps_two_edges_per_node_if_told_to(evolve):
    changes = {
        "search.f.space": "dense", "search.f.initial": "random", "recipe.evolution.epochs": 36,
    }  # fmt: skip
    folder = evolve(changes=changes)
    found = read_genotype(folder / "genotype.json")
    for node in found.normal + found.reduce:
        assert sum(operation != "none" for operation, _ in node) <= 2
    genealogy = json.loads((folder / "genealogy.json").read_text())
    assert genealogy["initial"] == dense.random_dense(0).to_json()


class Stopped(Exception):
    pass


def test_a_killed_evolution_ends_with_the_same_bits(evolve, monkeypatch):
    changes = {"space.block.depths": [1], "recipe.evolution.epochs": 21}
    expected = contents(evolve("whole", changes))
    monkeypatch.setenv("NASSL_CHECKPOINT_SECONDS", "0")
    original, steps = MoCoObjective.after_step, []
    for stop in (3, 12, 20):

        def after_step(self, network, stop=stop):
            steps.append(0)
            if len(steps) == stop:
                raise Stopped
            original(self, network)

        monkeypatch.setattr(MoCoObjective, "after_step", after_step)
        with pytest.raises(Stopped):
            evolve("killed", changes)
    monkeypatch.setattr(MoCoObjective, "after_step", original)
    assert contents(evolve("killed", changes)) == expected


def test_no_label_is_read(evolve):
    changes = {"space.block.depths": [1], "recipe.evolution.epochs": 21}
    without = contents(evolve("a", changes))
    assert contents(evolve("b", changes, labels="labels")) == without


@pytest.mark.parametrize("objective", ["simclr", "supervised"])
def test_every_objective_evolves(evolve, objective):
    changes = {
        "search.f.objective": objective, "objective.supervised.auxiliary_weight": 0.0,
        "space.block.depths": [1, 1],
    }  # fmt: skip
    changes |= {"recipe.evolution.epochs": 21}
    metrics = json.loads((evolve(changes=changes, labels="labels") / "metrics.json").read_text())
    assert metrics["final_validation_loss"] > 0


@pytest.mark.parametrize(
    ("genotype", "space", "expected"),
    [
        (ResNetGenotype(50), "block", block.resnet50((1, 2))),
        (block.resnet50((1, 1)), "block", block.remap(block.resnet50((1, 1)), (1, 2))),
        (dense.random_dense(7), "dense", dense.random_dense(7)),
        (random_genotype(2), "dense", dense.remap(random_genotype(2))),
    ],
)
def test_any_genotype_that_fits_is_a_start(run_of, tmp_path, genotype, space, expected):
    from argparse import Namespace

    from stages.search.initial import initial_structure

    write_genotype(tmp_path / "start.json", genotype)
    changes = {"search.f.space": space, "search.f.initial": "search/other"}
    run = run_of("search", "f", CHANGES | changes)
    found = initial_structure(run, Namespace(initial=tmp_path / "start.json"))
    assert found == expected


def test_what_does_not_fit_is_refused(evolve, tmp_path):
    with pytest.raises(SettingsError, match=r"search/f: recipe.epochs is 27, but 7 .* = 28"):
        evolve(changes={"recipe.evolution.epochs": 27})
    with pytest.raises(SettingsError, match=r"search.f.initial is 'search/x', the space 'block'"):
        evolve(changes={"search.f.initial": "search/x"})
    with pytest.raises(SettingsError, match=r"initial is 'resnet50', the space 'dense'"):
        evolve(changes={"search.f.space": "dense"})
    with pytest.raises(SettingsError, match=r"cannot search the space 'cell'.*: block, dense"):
        evolve(changes={"search.f.space": "cells"})
    with pytest.raises(SettingsError, match=r"space.edges is 'some'; available: all, top2"):
        evolve(
            changes={
                "search.f.space": "dense",
                "search.f.initial": "random",
                "space.dense.edges": "some",
                "recipe.evolution.epochs": 36,
            }
        )
    write_genotype(tmp_path / "cell.json", random_genotype(0))
    with pytest.raises(InputError, match=r"cell.json: a genotype of the space 'cell' cannot start"):
        evolve(changes={"search.f.initial": "search/x"}, initial=tmp_path / "cell.json")
    with pytest.raises(SettingsError, match=r"initial is 'resnet50', but the strategy is 'ran"):
        evolve(changes={"search.f.strategy": "random"})
