"""The paper scale without its hardware: the shapes of a full batch's way through every network at
full size, without memory (meta device), and real training steps of some of them on a few images."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import torch

from nassl.data.images import Images
from nassl.genotypes import block, dense
from nassl.genotypes.cell import random_genotype
from nassl.genotypes.resnet import ResNetGenotype
from nassl.networks.build import build_network
from nassl.networks.cell_network import CellNetwork
from nassl.objectives.build import build_objective
from nassl.training.optimisers import build_optimizer
from nassl.training.seeds import seed_step
from stages.plan.datasets import expected_size
from stages.plan.estimate.run import searched_space
from stages.runs.run import resolve_run
from stages.search.alpha_gradients import first_order
from tests.plans import composed

PLAN = composed("scale=paper", "paper=[ssnas,faunae]")
TRAINED = ("search", "score", "retrain", "pretrain")
GENOTYPES = {
    "cell": lambda space: random_genotype(0),
    "dense": lambda space: dense.random_dense(0),
    "block": lambda space: block.resnet50(tuple(space.depths)),
    "resnet": lambda space: ResNetGenotype(space.depth),
}


def run_of(stage, name):
    return resolve_run(stage, name, PLAN, "the paper plan")


def data_of(run):
    return run_of("prepare", run.line.data).settings["data"]


def side_of(run):
    return run.settings["objective"].views.size or data_of(run).image_size


def different_runs():
    """One run for every combination of network, objective, batch and data."""
    chosen = {}
    for stage in TRAINED:
        for name in PLAN[stage]:
            run = run_of(stage, name)
            if run.settings["objective"].kind != "none":
                space = run.line.space if stage == "search" else searched_space(run, PLAN)
                size = run.line.space if stage == "search" else run.line.network
                batch = run.settings["recipe"].batch_size
                key = (stage, str(space), size, run.line.objective, batch, run.line.data)
                chosen.setdefault(key, run)
    return list(chosen.values())


def full_network(run):
    """The run's network at full size, its supernet if it searches, on the default device."""
    if run.stage == "search":
        space = run.settings["space"]
        return space.load()(space)
    space, auxiliary = searched_space(run, PLAN), run.settings["objective"].has_auxiliary()
    return build_network(
        GENOTYPES[space.kind](space), run.settings["network"], side_of(run), auxiliary
    )


def full_objective(run, network):
    """The run's objective with its own heads; views are images of the right size."""
    size = expected_size(data_of(run))
    stem = run.settings["space" if run.stage == "search" else "network"]
    objective = build_objective(
        run.settings["objective"], network, torch.zeros(3), torch.ones(3), size.classes,
        getattr(stem, "stem", "cifar"), size.label_free,
    )  # fmt: skip
    objective.views = lambda images: torch.zeros(
        len(images), 3, side_of(run), side_of(run), device=images.device
    )
    return objective


RUNS = different_runs()


def test_every_kind_of_run_is_looked_at():
    assert len(RUNS) >= 20
    networks = {run.line.network for run in RUNS if run.stage != "search"}
    assert networks == set(PLAN["network"])
    spaces = {run.line.space for run in RUNS if run.stage == "search"}
    assert spaces == {"cells", "cells-stl10", "faunae-cells", "faunae-blocks"}


@pytest.mark.parametrize("run", RUNS, ids=lambda run: f"{run.stage}/{run.name}")
def test_a_full_batch_has_the_right_shapes_all_the_way(run):
    batch, objective_settings = run.settings["recipe"].batch_size, run.settings["objective"]
    size, side = expected_size(data_of(run)), data_of(run).image_size
    with torch.device("meta"), torch.no_grad():
        network = full_network(run)
        if run.stage == "search" and run.settings["space"].kind != "cell":
            network.choice = [operations[0] for operations in network.candidates]
        objective = full_objective(run, network)
        images = torch.zeros(batch, 3, side, side, dtype=torch.uint8)
        labels = torch.zeros(batch, dtype=torch.long)
        x = objective.views(images)
        assert network(x).shape == (batch, network.feature_dim)
        loss = objective.loss(network, images, labels)
    assert loss.shape == ()
    if objective_settings.kind == "supervised":
        assert objective.classifier.out_features == size.classes
        if objective_settings.auxiliary_weight:
            assert objective.auxiliary.classifier.out_features == size.classes
            assert objective.auxiliary.stride > 0, "the map is not of the size that DARTS pools"
    elif objective_settings.kind == "moco":
        length = min(objective_settings.queue, size.label_free)
        assert objective.queue.shape == (objective_settings.projection, length)
    else:
        assert objective.projection[-1].out_features == 128  # sec. 4.1
    if isinstance(network, CellNetwork) and run.settings["network"].stem == "imagenet":
        assert network.auxiliary_shape[1:] == (7, 7)


class RandomImages(Images):
    def __init__(self, side, count):
        super().__init__({"image_size": side, "mean": [0.5] * 3, "std": [0.25] * 3}, count)
        self._array = np.random.default_rng(0).integers(0, 256, (count, side, side, 3), np.uint8)

    def _pixels(self, indices):
        return self._array[indices]


# name of a run, images of the step: few, because memory and time are those of the full size.
STEPS = [
    ("search", "ssnas-cifar10-s0", 2),
    ("retrain", "ssnas-cifar10-s0", 2),
    ("retrain", "ssnas-cifar10-on-imagenet-s0", 2),
    ("pretrain", "ssnas-5cells-stl10-s0", 2),
    ("pretrain", "faunae-cells-cifar10-c36-s0", 2),
    ("pretrain", "resnet50-imagenet-moco-v2-s0", 2),
]


@pytest.mark.parametrize(("stage", "name", "count"), STEPS)
def test_a_real_step_of_the_full_size(stage, name, count):
    run = run_of(stage, name)
    size, side = expected_size(data_of(run)), data_of(run).image_size
    seed_step(0, 0, 0)
    network = full_network(run).train()
    stem = run.settings["space" if stage == "search" else "network"].stem
    asked = run.settings["objective"]
    if asked.kind == "moco":  # eight groups would need sixteen images
        asked = dataclasses.replace(asked, groups=1)
    objective = build_objective(
        asked, network, torch.full((3,), 0.5), torch.full((3,), 0.25),
        size.classes, stem, size.label_free,
    ).train()  # fmt: skip
    images, labels = RandomImages(side, count).batch(range(count)), torch.arange(count)
    if stage == "search":  # first alpha, then the weights
        alphas, weights = network.architecture_parameters(), network.weight_parameters()
        weights = [*weights, *objective.trained_parameters()]
        _, gradients = first_order(lambda: objective.loss(network, images, labels), alphas, weights)
        assert all(gradient.abs().sum() > 0 for gradient in gradients)
    else:
        weights = [*network.parameters(), *objective.trained_parameters()]
    optimizer = build_optimizer(run.settings["recipe"], weights)
    before = [weight.detach().clone() for weight in weights]
    loss = objective.loss(network, images, labels)
    loss.backward()
    optimizer.step()
    objective.after_step(network)
    assert math.isfinite(loss.item())
    moved = [not torch.equal(a, b) for a, b in zip(before, weights, strict=True)]
    assert np.mean(moved) > 0.95
    assert all(torch.isfinite(weight).all() for weight in weights)
