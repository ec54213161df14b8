"""Learning rates of a recipe, and the optimisers it names."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import nn

from nassl.networks.drop_path import drop_path
from nassl.settings import Recipe, SettingsError
from nassl.training.optimisers import (
    RecordableSGD,
    build_optimizer,
    learning_rate,
    restore,
    set_learning_rate,
)

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
    with pytest.raises(SettingsError, match=r"optimizer is 'lion'; available: sgd, adam, lars"):
        build_optimizer(replace(RECIPE, optimizer="lion"), [nn.Parameter(torch.ones(1))])
    with pytest.raises(SettingsError, match=r"schedule is 'linear'; available: cosine, constant"):
        learning_rate(replace(RECIPE, schedule="linear"), 0, 0, 1)


def test_lars_is_simclrs_step_by_step():
    """By hand: the ratio of norms for matrices, plain momentum for biases and batch norms."""
    torch.manual_seed(0)
    weight, bias = nn.Parameter(torch.randn(3, 4).double()), nn.Parameter(torch.randn(3).double())
    recipe = replace(RECIPE, optimizer="lars", learning_rate=2.0, weight_decay=0.1)
    optimizer = build_optimizer(recipe, [weight, bias])
    w, b = weight.detach().clone(), bias.detach().clone()
    v_w, v_b = torch.zeros_like(w), torch.zeros_like(b)
    for _ in range(3):
        weight.grad, bias.grad = torch.randn_like(weight), torch.randn_like(bias)
        g = weight.grad + 0.1 * w
        v_w = 0.9 * v_w + 2.0 * 0.001 * w.norm() / g.norm() * g
        v_b = 0.9 * v_b + 2.0 * bias.grad
        w, b = w - v_w, b - v_b
        optimizer.step()
        torch.testing.assert_close(weight.detach(), w, rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(bias.detach(), b, rtol=1e-12, atol=1e-12)
    weight.grad, bias.grad = None, torch.zeros_like(bias)
    before = weight.detach().clone()
    optimizer.step()
    assert torch.equal(weight.detach(), before)
    with torch.no_grad():
        weight.zero_()
    weight.grad = torch.ones_like(weight)
    optimizer.step()
    assert torch.isfinite(weight).all()


def test_nesterov_reaches_sgd():
    found = build_optimizer(replace(RECIPE, nesterov=True), [nn.Parameter(torch.ones(3))])
    assert found.param_groups[0]["nesterov"]


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("decay", [0.0, 0.1])
@pytest.mark.parametrize("nesterov", [False, True])
def test_recordable_sgd_is_torchs_sgd(momentum, decay, nesterov):
    """Also where a parameter gets its first gradient, and so momentum, later than the others."""
    torch.manual_seed(0)
    if nesterov and not momentum:
        return  # torch refuses it
    options = {"momentum": momentum, "weight_decay": decay, "nesterov": nesterov}
    start = [torch.randn(3, 2, dtype=torch.float64) for _ in range(3)]
    gradients = torch.randn(5, 3, 3, 2, dtype=torch.float64)
    results = []
    for kind, rate in ((torch.optim.SGD, float), (RecordableSGD, torch.tensor)):
        parameters = [nn.Parameter(value.clone()) for value in start]
        optimizer = kind(parameters, rate(0.0), **options)
        for step, given in enumerate(gradients):
            set_learning_rate(optimizer, 0.5 / (step + 1))
            for number, (p, gradient) in enumerate(zip(parameters, given, strict=True)):
                p.grad = gradient.clone() if step >= number else None
            optimizer.step()
        results.append([p.detach() for p in parameters])
    # The rate is a float32 there.
    torch.testing.assert_close(*results, rtol=1e-6, atol=1e-7)


def test_an_optimizers_state_goes_from_a_cpu_to_a_gpu_and_back():
    """Between optimizers that compute in different ways: options and the rate's tensor stay."""
    plain, there = (
        torch.optim.SGD([nn.Parameter(torch.ones(2))], 0.1, momentum=0.9),
        RecordableSGD([nn.Parameter(torch.ones(2))], torch.tensor(0.0), momentum=0.9, foreach=True),
    )
    rate = there.param_groups[0]["lr"]
    for source, target in ((plain, there), (there, plain)):
        (parameter,) = source.param_groups[0]["params"]
        parameter.grad = torch.full((2,), 2.0)
        source.step()
        restore(target, source.state_dict())
        moved = target.state[target.param_groups[0]["params"][0]]["momentum_buffer"]
        assert torch.equal(moved, source.state[parameter]["momentum_buffer"])
    assert there.param_groups[0]["lr"] is rate
    assert rate.item() == pytest.approx(0.1)
    assert there.param_groups[0]["foreach"] is True
    assert plain.param_groups[0]["foreach"] is None
    assert plain.param_groups[0]["lr"] == pytest.approx(0.1)


def test_paths_are_dropped_by_a_number_or_by_a_tensor_alike():
    """Each image is kept whole with probability 0.7, then scaled by 1 / 0.7; 0 keeps every bit."""
    x = torch.rand(4000, 2, 1, 1) + 1
    for probability in (0.3, torch.tensor(0.3)):
        torch.manual_seed(0)
        factor = drop_path(x, probability) / x
        torch.testing.assert_close(factor[:, 0], factor[:, 1])
        kept = factor[:, 0, 0, 0] > 0
        assert kept.float().mean().item() == pytest.approx(0.7, abs=0.03)
        torch.testing.assert_close(factor[kept], torch.full_like(factor[kept], 1 / 0.7))
        assert torch.equal(drop_path(x, 0 * probability), x)
