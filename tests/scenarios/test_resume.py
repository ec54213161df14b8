"""Killed within an epoch and between epochs, before and after a checkpoint: the same bits, for all
strategies, all stages that train, and all objectives."""

from __future__ import annotations

import json

import pytest

from nassl.training.checkpoint import Checkpoint
from stages.pretrain.__main__ import pretrain
from stages.probe.__main__ import probe
from stages.retrain.__main__ import retrain
from stages.score.__main__ import score
from stages.search.__main__ import search
from tests.outputs import contents

RECIPE = {
    "epochs": 2, "batch_size": 16, "optimizer": "sgd", "learning_rate": 0.05,
    "schedule": "cosine", "weight_decay": 1e-3, "momentum": 0.9, "clip": 5.0,
}  # fmt: skip
DARTS = {
    "kind": "darts", "order": 1, "separate_sets": True, "validation_fraction": 0.5,
    "alpha_learning_rate": 0.1, "alpha_betas": [0.5, 0.999], "alpha_weight_decay": 0.001,
}  # fmt: skip
CHANGES = {
    "space.cells": {"kind": "cell", "stem": "cifar", "channels": 2, "cells": 1},
    "space.block": {"kind": "block", "channels": 4, "depths": [1, 2], "stem": "imagenet"},
    "strategy.darts-first": DARTS,
    "strategy.darts-second": {**DARTS, "order": 2, "separate_sets": False},
    "strategy.evolution": {
        "kind": "evolution", "validation_fraction": 0.34, "elimination_epochs": 1,
        "initial_epochs": 1, "epsilon": 0.9, "final_epsilon": 0.5, "mutation_weight": 0.9,
        "loss_decay": 0.3, "size_limit": 1.3,
    },
    "strategy.proxyless": {
        "kind": "proxyless", "validation_fraction": 0.34, "warmup_epochs": 1, "alpha_every": 1,
        "alpha_learning_rate": 0.05, "alpha_betas": [0.0, 0.999], "alpha_weight_decay": 0.0,
    },
    "objective.moco": {
        "kind": "moco", "temperature": 0.2, "momentum": 0.9, "queue": 40, "head": "mlp",
        "hidden": 8, "projection": 8, "groups": 2,
        "views": {"crop": "resized", "crop_scale": [0.5, 1.0], "flip": 0.5},
    },
    "recipe.search": RECIPE,
    "recipe.evolution": {**RECIPE, "epochs": 28, "batch_size": 24},
    "recipe.score": {**RECIPE, "validation_fraction": 0.5},
    "recipe.train": {**RECIPE, "batch_size": 32, "drop_path": 0.2},
    "recipe.pretrain": {**RECIPE, "batch_size": 32},
    "protocol.linear.recipe": {**RECIPE, "batch_size": 32},
    "protocol.half.recipe": {**RECIPE, "batch_size": 16},
}  # fmt: skip
# Where to die: within an epoch and at its end, with the state saved and with it lost.
PLACES = [
    ("epoch 1, step 2", "saved"),
    ("epoch 1, step 3", "lost"),
    ("epoch 2, step 1", "lost"),
    ("epoch 2, step 1", "saved"),
    ("epoch 2, step 2", "saved"),
]
LATER = [("epoch 5, step 2", "saved"), ("epoch 6, step 1", "lost"), ("epoch 20, step 1", "saved")]


class Killed(BaseException):
    pass


@pytest.fixture
def compared(call, monkeypatch):
    """`compared(stage, name, changes, places, **inputs)` runs a stage uninterrupted, then once
    more, dying at each of the places; returns the contents of both outputs, without what depends on
    the clock."""

    def run(stage, name, changes, places, **inputs):
        whole = contents(call(stage, name, CHANGES | changes, out="whole", **inputs))
        monkeypatch.setattr(Checkpoint, "due", lambda self, epoch_ends: True)
        save, deaths = Checkpoint.save, []

        def deadly(self, state, place=""):
            now = [moment for where, moment in left[:1] if where == place]
            if "lost" not in now:
                save(self, state, place)
            if now:
                deaths.append(left.pop(0))
                raise Killed

        monkeypatch.setattr(Checkpoint, "save", deadly)
        left = list(places)
        for _ in places:
            with pytest.raises(Killed):
                call(stage, name, CHANGES | changes, out="killed", **inputs)
        killed = contents(call(stage, name, CHANGES | changes, out="killed", **inputs))
        assert deaths == places
        return whole, killed

    return run


@pytest.mark.parametrize("objective", ["supervised", "simclr", "moco"])
@pytest.mark.parametrize("strategy", ["darts-first", "darts-second", "evolution", "proxyless"])
def test_search(compared, digits, strategy, objective):
    labels = "labels" if objective == "supervised" else "no-labels"
    line = {
        "data": "digits", "labels": labels, "strategy": strategy, "objective": objective,
        "space": "cells" if strategy.startswith("darts") else "block",
        "recipe": "evolution" if strategy == "evolution" else "search", "seed": 0,
        "initial": "resnet50" if strategy == "evolution" else "",
    }  # fmt: skip
    places = LATER if strategy == "evolution" else PLACES
    changes = {"search.k": line, "objective.supervised.auxiliary_weight": 0.0}
    inputs = {"images": digits / "images", "labels": digits / labels}
    whole, killed = compared(search, "k", changes, places, **inputs)
    assert killed == whole
    assert {"genotype.json", "alphas.json", "metrics.json"} <= whole.keys()


@pytest.mark.parametrize(
    ("stage", "name", "objective"),
    [
        (score, "s", "simclr"),
        (score, "s", "moco"),
        (score, "supervised", "supervised"),
        (retrain, "s", "supervised"),
        (pretrain, "s", "simclr"),
        (pretrain, "s", "moco"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_training_of_a_genotype(compared, digits, genotype, stage, name, objective):
    paths = {"images": digits / "images", "labels": digits / "labels", "genotype": genotype}
    if stage is pretrain:
        del paths["labels"]
    changes = {f"{stage.__name__}.{name}.objective": objective}
    whole, killed = compared(stage, name, changes, PLACES, **paths)
    assert killed == whole
    assert (stage is score) != ("weights.safetensors" in whole)


@pytest.mark.parametrize("linear", ["linear", "linear-random-views"])
def test_probe(compared, call, digits, genotype, linear):
    changes = {"probe.s.linear": linear, f"protocol.{linear}.recipe": {**RECIPE, "batch_size": 32}}
    weights = call(pretrain, "s", CHANGES | changes, images=digits / "images", genotype=genotype)
    paths = {"images": digits / "images", "labels": digits / "labels", "pretrain": weights}
    # Three trainings one after the other; the first one alone has ended at the third death.
    places = [PLACES[0], PLACES[3], ("epoch 1, step 3", "saved"), ("epoch 2, step 1", "lost")]
    whole, killed = compared(probe, "s", changes, places, **paths)
    assert killed == whole
    metrics = json.loads(whole["metrics.json"])
    assert {"finetune_accuracy", "linear_accuracy_untrained"} <= metrics.keys()
