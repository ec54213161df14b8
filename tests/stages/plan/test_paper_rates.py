"""Learning rates at the paper scale, worked out by hand."""

from __future__ import annotations

import math

import pytest

from nassl.training.optimisers import learning_rate
from stages.runs.run import resolve_run
from tests.plans import composed

RATES = {  # first, middle (at half of the epochs) and last epoch, worked out by hand
    "search": (0.025, 0.013, 0.001 + 0.012 * (1 - math.cos(math.pi / 50))),
    "score-contrastive": (0.03, 0.015, 0.015 * (1 - math.cos(math.pi / 100))),
    "score-supervised": (0.025, 0.0125, 0.0125 * (1 - math.cos(math.pi / 100))),
    "retrain": (0.025, 0.0125, 0.0125 * (1 - math.cos(math.pi / 650))),
    "retrain-cifar100": (0.025, 0.0125, 0.0125 * (1 - math.cos(math.pi / 650))),
    "retrain-imagenet": (0.1, 0.1 * 0.97**125, 0.1 * 0.97**249),
    "pretrain-b64": (0.03, 0.015, 0.015 * (1 - math.cos(math.pi / 500))),
    "pretrain-b32": (0.015, 0.0075, 0.0075 * (1 - math.cos(math.pi / 500))),
    "pretrain-stl10": (0.03, 0.015, 0.015 * (1 - math.cos(math.pi / 100))),
    "evolve-cells": (0.025, 0.0125, 0.0125 * (1 - math.cos(math.pi / 106))),
    "evolve-blocks": (0.03, 0.015, 0.015 * (1 - math.cos(math.pi / 82))),
    "proxyless": (  # 145 epochs: no middle
        0.025,
        0.0125 * (1 + math.cos(math.pi * 72 / 145)),
        0.0125 * (1 - math.cos(math.pi / 145)),
    ),
    "moco-cifar": (0.025, 0.0125, 0.0125 * (1 - math.cos(math.pi / 600))),
    "moco-imagenet": (0.03, 0.015, 0.015 * (1 - math.cos(math.pi / 200))),
    "moco-imagenet-v1": (0.03, 0.03, 0.0003),  # divided by 10 after 120 and 160 epochs
    # first of ten steps of ten warm-up epochs; then the cosine of 190
    "simclr-imagenet": (
        9.6 / 100,
        4.8 * (1 + math.cos(math.pi * 90 / 190)),
        4.8 * (1 + math.cos(math.pi * 189 / 190)),
    ),
    "supervised-imagenet": (0.1, 0.01, 0.001),  # divided by 10 after 30 and 60 epochs
    "linear": (0.2, 0.1, 0.1 * (1 - math.cos(math.pi / 100))),
    "moco-linear": (30.0, 30.0, 0.3),
    "moco-linear-cifar": (30.0, 30.0, 0.3),
    "finetune-tenth": (0.0125, 0.00625, 0.00625 * (1 - math.cos(math.pi / 100))),
    "finetune-all": (0.0125, 0.00625, 0.00625 * (1 - math.cos(math.pi / 100))),
}


def test_learning_rates_of_every_recipe():
    plan, recipes = composed("scale=paper", "paper=[ssnas,faunae]"), {}
    for stage in ("search", "score", "retrain", "pretrain", "probe"):
        for name in plan[stage]:
            run = resolve_run(stage, name, plan, "the plan")
            for field in ("recipe", "linear", "finetune"):
                found = run.settings.get(field)
                found = getattr(found, "recipe", found)
                if found is not None and getattr(found, "epochs", 0):
                    recipes[getattr(run.line, field)] = found
    assert set(recipes) == set(RATES)
    for name, recipe in recipes.items():
        epochs = recipe.epochs
        rates = [learning_rate(recipe, epoch, 0, 10) for epoch in (0, epochs // 2, epochs - 1)]
        assert rates == pytest.approx(RATES[name], rel=1e-9), name
