"""ProxylessNAS: gradient of gates, what a step leaves alone, the stage end to end."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from nassl.files import InputError
from nassl.genotypes import read_genotype
from nassl.settings import SettingsError
from stages.search.__main__ import search
from stages.search.data import Cycle
from stages.search.proxyless import alpha_gradient, two_path_step
from tests.outputs import contents

CHANGES = {
    "space.block": {"kind": "block", "channels": 4, "depths": [1, 2], "stem": "imagenet"},
    "strategy.proxyless": {
        "kind": "proxyless", "validation_fraction": 0.34, "warmup_epochs": 1, "alpha_every": 1,
        "alpha_learning_rate": 0.05, "alpha_betas": [0.0, 0.999], "alpha_weight_decay": 0.0,
    },
    "objective.supervised.auxiliary_weight": 0.0,
    "objective.moco": {
        "kind": "moco", "temperature": 0.2, "momentum": 0.9, "queue": 4096, "head": "mlp",
        "hidden": 8, "projection": 8, "groups": 2, "views": {"crop": "none", "flip": 0.5},
    },
    "recipe.proxyless": {
        "epochs": 3, "batch_size": 16, "optimizer": "sgd", "learning_rate": 0.05,
        "schedule": "cosine", "weight_decay": 0.0, "momentum": 0.9,
    },
    "search.p": {
        "data": "digits", "labels": "labels", "space": "block", "strategy": "proxyless",
        "objective": "supervised", "recipe": "proxyless", "seed": 0,
    },
}  # fmt: skip


@pytest.fixture
def run(call, digits):
    def started(out="a", changes=None, labels="labels"):
        paths = {"images": digits / "images", "labels": digits / labels}
        return call(search, "p", CHANGES | (changes or {}), out=out, **paths)

    return started


def test_gradient_of_alpha_is_that_of_the_softmax_over_the_gates():
    torch.manual_seed(0)
    alpha = torch.randn(2, dtype=torch.float64, requires_grad=True)
    gate_gradient = torch.randn(2, dtype=torch.float64)
    (alpha.softmax(0) * gate_gradient).sum().backward()
    found = alpha_gradient(alpha.detach(), gate_gradient)
    torch.testing.assert_close(found, alpha.grad, rtol=1e-14, atol=1e-14)
    p = alpha.detach().softmax(0)
    for i in range(2):  # eq. 4, term by term
        terms = [gate_gradient[j] * p[j] * (float(i == j) - p[i]) for j in range(2)]
        assert float(found[i]) == pytest.approx(float(sum(terms)))


class Costs:
    """In the place of a network: the loss of a block is the gated cost of its two operations."""

    names = ("x", "y", "z", "w")
    candidates = (names, names)
    cost = {"x": 1.0, "y": 3.0, "z": 2.0, "w": 2.5}  # noqa: RUF012

    def loss(self):
        pairs = zip(self.choice, self.gates, strict=True)
        return sum(g[0] * self.cost[a] + g[1] * self.cost[b] for a, (b, g) in pairs)


def made():
    torch.manual_seed(0)
    alphas = [torch.zeros(4, dtype=torch.float64, requires_grad=True) for _ in range(2)]
    return alphas, torch.optim.Adam(alphas, lr=0.05, betas=(0.0, 0.999)), Costs()


def test_a_step_moves_two_alphas_and_no_other_probability():
    alphas, optimizer, network = made()
    for _ in range(20):
        before = [alpha.detach().clone() for alpha in alphas]
        value = two_path_step(network, alphas, optimizer, network.loss)
        assert network.gates is None
        assert value == sum(Costs.cost[name] for name in network.choice)
        for alpha, old in zip(alphas, before, strict=True):
            moved = alpha.detach() != old
            assert moved.sum() == 2
            change = alpha.detach().softmax(0) - old.softmax(0)
            torch.testing.assert_close(change[~moved], torch.zeros(2).double(), atol=1e-15, rtol=0)
            costs = torch.tensor([Costs.cost[name] for name in Costs.names])
            first, second = moved.nonzero().flatten().tolist()
            cheaper = first if costs[first] < costs[second] else second
            assert change[cheaper] > 0


def test_the_cheapest_operation_wins():
    alphas, optimizer, network = made()
    for _ in range(300):
        two_path_step(network, alphas, optimizer, network.loss)
    assert [Costs.names[int(alpha.argmax())] for alpha in alphas] == ["x", "x"]


def test_gates_are_taken_away_if_the_loss_fails():
    alphas, optimizer, network = made()

    def fails():
        raise InputError("no")

    with pytest.raises(InputError):
        two_path_step(network, alphas, optimizer, fails)
    assert network.gates is None


@pytest.mark.parametrize("objective", ["supervised", "simclr", "moco"])
def test_outputs(run, objective):
    folder = run(changes={"search.p.objective": objective})
    alphas = json.loads((folder / "alphas.json").read_text())
    assert [entry["epoch"] for entry in alphas] == [1, 2, 3]
    assert [len(row) for row in alphas[-1]["blocks"]] == [6, 6, 7]
    assert np.ptp(alphas[0]["blocks"][0]) < 0.02  # warm-up: as drawn
    assert np.ptp(alphas[2]["blocks"][0]) > 0.05
    found = read_genotype(folder / "genotype.json")
    strongest = [int(np.argmax(row)) for row in alphas[-1]["blocks"]]
    from nassl.genotypes.block import OPERATIONS

    assert found.choice == tuple(OPERATIONS[k] for k in strongest)
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["final_validation_loss"] > 0
    assert json.loads((folder / "cost.json").read_text())["gpu_days"] > 0


class Stopped(Exception):
    pass


def test_a_killed_search_ends_with_the_same_bits(run, monkeypatch):
    changes = {"search.p.objective": "moco", "search.p.labels": "no-labels"}
    expected = contents(run("whole", changes, "no-labels"))
    monkeypatch.setenv("NASSL_CHECKPOINT_SECONDS", "0")
    original = Cycle.at
    for stop in (1, 4):
        monkeypatch.setattr(Cycle, "at", _stopping(original, stop))
        with pytest.raises(Stopped):
            run("killed", changes, "no-labels")
    monkeypatch.setattr(Cycle, "at", original)
    assert contents(run("killed", changes, "no-labels")) == expected


def _stopping(original, stop):
    def at(self, place):
        if place == stop:
            raise Stopped
        return original(self, place)

    return at


def test_only_the_block_space_is_searched(run):
    with pytest.raises(SettingsError, match=r"'proxyless' cannot search the space 'cell'.*: block"):
        run(changes={"search.p.space": "cells"})


@pytest.mark.parametrize("space", ["block", "dense"])
def test_random_sampling_in_both_spaces(run, space):
    dense = {"kind": "dense", "channels": 2, "cells": 3, "stem": "cifar", "edges": "all"}
    changes = {
        "space.dense": dense, "search.p.space": space, "search.p.strategy": "random",
        "search.p.objective": "none", "search.p.recipe": "none",
    }  # fmt: skip
    folders = [run(str(seed), changes | {"search.p.seed": seed}) for seed in range(2)]
    found = [read_genotype(folder / "genotype.json") for folder in folders]
    assert found[0].space == space
    assert found[0] != found[1]
    assert SimpleNamespace(**json.loads((folders[1] / "metrics.json").read_text())).seed == 1


def test_alpha_moves_after_every_nth_step_of_the_weights(run, monkeypatch):
    from stages.search import proxyless

    taken = []
    original = proxyless.two_path_step
    monkeypatch.setattr(
        proxyless, "two_path_step", lambda *given: taken.append(0) or original(*given)
    )
    run("every")
    every = len(taken)
    taken.clear()
    run("second", {"strategy.proxyless.alpha_every": 2})
    assert (every, len(taken)) == (6, 2)  # two epochs of 3 steps; in each only the second
    with pytest.raises(SettingsError, match=r"alpha_every is 99, but an epoch has \d+ steps of"):
        run("never", {"strategy.proxyless.alpha_every": 99})
