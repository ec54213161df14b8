"""Optimisers and learning rates of a recipe; a rate depends on epoch and step, not on history."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import nn

from nassl.settings import Recipe, SettingsError
from nassl.training.lars import LARS

SCHEDULES = ("cosine", "constant", "steps", "exponential")
OPTIMIZERS = ("sgd", "adam", "lars")


def build_optimizer(recipe: Recipe, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
    """SGD with momentum (Nesterov's, if the recipe says so), Adam, or LARS. Weight decay is L2 on
    every parameter, as in both papers' codes; LARS leaves biases and batch norms out.

    Raises SettingsError for an optimizer that does not exist.
    """
    parameters = list(parameters)
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(
            parameters,
            lr=recipe.learning_rate,
            momentum=recipe.momentum,
            weight_decay=recipe.weight_decay,
            nesterov=recipe.nesterov,
        )
    if recipe.optimizer == "lars":
        return LARS(parameters, recipe.learning_rate, recipe.momentum, recipe.weight_decay)
    if recipe.optimizer == "adam":
        return torch.optim.Adam(
            parameters, lr=recipe.learning_rate, weight_decay=recipe.weight_decay
        )
    raise SettingsError(
        f"recipe.optimizer is {recipe.optimizer!r}; available: {', '.join(OPTIMIZERS)}"
    )


def learning_rate(recipe: Recipe, epoch: int, step: int, steps: int) -> float:
    """The rate of step `step` of `steps` in epoch `epoch`, all counted from 0.

    The warm-up rises linearly step by step. After it the rate changes once an epoch, as in the
    reference codes of DARTS and MoCo (SimCLR's changes every step): a cosine to
    `final_learning_rate`, drops by 10 at the milestones, a factor from epoch to epoch, or none.
    Raises SettingsError for a schedule that does not exist.
    """
    if epoch < recipe.warmup_epochs:
        return recipe.learning_rate * (epoch * steps + step + 1) / (recipe.warmup_epochs * steps)
    if recipe.schedule == "constant":
        return recipe.learning_rate
    if recipe.schedule == "steps":
        return recipe.learning_rate * 0.1 ** sum(epoch >= m for m in recipe.milestones)
    if recipe.schedule == "exponential":
        return recipe.learning_rate * recipe.decay ** (epoch - recipe.warmup_epochs)
    if recipe.schedule == "cosine":
        share = (epoch - recipe.warmup_epochs) / (recipe.epochs - recipe.warmup_epochs)
        height = recipe.learning_rate - recipe.final_learning_rate
        return recipe.final_learning_rate + height * (1 + math.cos(math.pi * share)) / 2
    raise SettingsError(
        f"recipe.schedule is {recipe.schedule!r}; available: {', '.join(SCHEDULES)}"
    )


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = rate
