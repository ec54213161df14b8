"""Learning rates of a recipe, and the optimisers it names."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import nn

from nassl.settings import Recipe, SettingsError
from nassl.training.optimisers import build_optimizer, learning_rate, set_learning_rate

RECIPE = Recipe(10, 4, "sgd", 0.4, "cosine", 1e-2, final_learning_rate=0.1, momentum=0.9)


def rates(recipe, steps=2):
    return [
        [learning_rate(recipe, epoch, step, steps) for step in range(steps)]
        for epoch in range(recipe.epochs)
    ]


def test_cosine_is_torchs_schedule():
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.4)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 10, eta_min=0.1)
    for first, last in rates(RECIPE):
        assert first == last == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-12)
        optimizer.step()
        schedule.step()


def test_warm_up_rises_every_step_and_the_cosine_takes_the_rest():
    found = rates(replace(RECIPE, warmup_epochs=2))
    assert found[0] + found[1] == pytest.approx([0.1, 0.2, 0.3, 0.4])
    assert found[2] == [0.4, 0.4]
    assert found[6] == pytest.approx([0.25, 0.25])  # half of the 8 epochs after the warm-up
    assert found[9][0] == pytest.approx(0.1 + 0.3 * (1 + math.cos(math.pi * 7 / 8)) / 2)


def test_steps_and_constant():
    dropped = rates(replace(RECIPE, schedule="steps", milestones=[6, 8]))
    assert [row[0] for row in dropped] == pytest.approx([0.4] * 6 + [0.04] * 2 + [0.004] * 2)
    assert rates(replace(RECIPE, schedule="constant")) == [[0.4, 0.4]] * 10


@pytest.mark.parametrize("kind", ["sgd", "adam"])
def test_the_recipe_reaches_the_optimizer(kind):
    parameter = nn.Parameter(torch.ones(3))
    optimizer = build_optimizer(replace(RECIPE, optimizer=kind), iter([parameter]))
    (group,) = optimizer.param_groups
    assert group["params"] == [parameter]
    assert (group["lr"], group["weight_decay"]) == (0.4, 1e-2)
    assert group.get("momentum", 0.9) == 0.9
    set_learning_rate(optimizer, 0.2)
    assert group["lr"] == 0.2


def test_unknown_names_list_the_available_ones():
    with pytest.raises(SettingsError, match=r"optimizer is 'lars'; available: sgd, adam"):
        build_optimizer(replace(RECIPE, optimizer="lars"), [nn.Parameter(torch.ones(1))])
    with pytest.raises(SettingsError, match=r"schedule is 'linear'; available: cosine, constant"):
        learning_rate(replace(RECIPE, schedule="linear"), 0, 0, 1)
