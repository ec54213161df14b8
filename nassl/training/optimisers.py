"""Optimisers and learning rates of a recipe; a rate depends on epoch and step, not on history."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from nassl.settings import Recipe, SettingsError
from nassl.training.lars import LARS
from nassl.training.uncompiled import SGD, Adam

SCHEDULES = ("cosine", "constant", "steps", "exponential")
OPTIMIZERS = ("sgd", "adam", "lars")
HOW = ("fused", "foreach", "capturable")  # options that say how a step is computed


def build_optimizer(recipe: Recipe, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
    """SGD with momentum (Nesterov's, if the recipe says so), Adam, or LARS. Weight decay is L2 on
    every parameter, as in both papers' codes; LARS leaves biases and batch norms out.

    On a GPU all that a step reads is there, the rate included, so that it can be recorded.
    Raises SettingsError for an optimizer that does not exist.
    """
    parameters = list(parameters)
    if recipe.optimizer == "sgd":
        kind = RecordableSGD if parameters[0].is_cuda else SGD
        return kind(
            parameters,
            lr=_rate(recipe.learning_rate, parameters),
            momentum=recipe.momentum,
            weight_decay=recipe.weight_decay,
            nesterov=recipe.nesterov,
        )
    if recipe.optimizer == "lars":
        rate = _rate(recipe.learning_rate, parameters)
        return LARS(parameters, rate, recipe.momentum, recipe.weight_decay)
    if recipe.optimizer == "adam":
        return build_adam(parameters, recipe.learning_rate, (0.9, 0.999), recipe.weight_decay)
    raise SettingsError(
        f"recipe.optimizer is {recipe.optimizer!r}; available: {', '.join(OPTIMIZERS)}"
    )


def build_adam(
    parameters: Sequence[Tensor], rate: float, betas: tuple[float, float], decay: float
) -> Adam:
    """Adam with L2 decay; on a GPU as one kernel that a recorded step may contain."""
    on_gpu = {"capturable": True, "fused": True} if parameters[0].is_cuda else {}
    lr = _rate(rate, parameters)
    return Adam(parameters, lr=lr, betas=betas, weight_decay=decay, **on_gpu)


def _rate(rate: float, parameters: Sequence[Tensor]) -> float | Tensor:
    return torch.tensor(rate, device=parameters[0].device) if parameters[0].is_cuda else rate


class RecordableSGD(SGD):
    """torch's SGD with a rate that is a tensor: its own reads the rate back from the device, or, as
    one kernel, cannot begin the momentum of a parameter later than that of another."""

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            moved = [p for p in group["params"] if p.grad is not None]
            steps = [p.grad for p in moved]
            if group["weight_decay"]:
                steps = [*torch._foreach_add(steps, moved, alpha=group["weight_decay"])]
            if group["momentum"]:
                before = steps
                steps = self._remembered(moved, steps, group["momentum"])
                if group["nesterov"]:
                    steps = [*torch._foreach_add(before, steps, alpha=group["momentum"])]
            torch._foreach_sub_(moved, torch._foreach_mul(steps, group["lr"]))

    def _remembered(
        self, moved: list[nn.Parameter], steps: list[Tensor], momentum: float
    ) -> list[Tensor]:
        states = [self.state[p] for p in moved]
        going = [(s["momentum_buffer"], step) for s, step in zip(states, steps, strict=True)
                 if s.get("momentum_buffer") is not None]  # fmt: skip
        if going:
            buffers, added = map(list, zip(*going, strict=True))
            torch._foreach_mul_(buffers, momentum)
            torch._foreach_add_(buffers, added)
        for state, step in zip(states, steps, strict=True):
            if state.get("momentum_buffer") is None:
                state["momentum_buffer"] = step.clone()
        return [state["momentum_buffer"] for state in states]


def restore(optimizer: torch.optim.Optimizer, state: dict[str, Any]) -> None:
    """`load_state_dict` of a state that was saved on this device or on another kind of device."""
    groups = []
    for own, saved in zip(optimizer.param_groups, state["param_groups"], strict=True):
        kept = {name: own[name] for name in ("lr", *HOW) if name in own}
        if isinstance(own["lr"], Tensor):
            own["lr"].fill_(saved["lr"])
        else:
            kept["lr"] = float(saved["lr"])
        groups.append({**saved, **kept})
    optimizer.load_state_dict({**state, "param_groups": groups})
    for own, kept in zip(optimizer.param_groups, groups, strict=True):
        own["lr"] = kept["lr"]  # the very tensor, not a copy of it


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
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(rate)
        else:
            group["lr"] = rate
