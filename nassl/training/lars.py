"""LARS as in SimCLR's code: SGD whose rate for each layer follows the size of its weights.

You, Gitman, Ginsburg 2017; SimCLR (Chen et al. 2020), app. B.6 and lars_optimizer.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

TRUST = 0.001  # SimCLR's code: eeta


class LARS(torch.optim.Optimizer):
    """v <- momentum * v + lr * ratio * (g + weight_decay * w); w <- w - v, with ratio = TRUST * |w|
    / |g + weight_decay * w| (1 where one of them is 0).

    Biases and the weights of batch norms (parameters of one dimension) are neither decayed nor
    scaled.
    """

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        lr: float | Tensor,  # a tensor, so that a step can be recorded
        momentum: float = 0.9,
        weight_decay: float = 0.0,
    ) -> None:
        defaults = {"lr": lr, "momentum": momentum, "weight_decay": weight_decay}
        super().__init__(parameters, defaults)

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """Parameters without a gradient stay as they are, with their momentum."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                update = parameter.grad
                if parameter.dim() > 1:
                    update = update.add(parameter, alpha=group["weight_decay"])
                    size, slope = parameter.norm(), update.norm()
                    ratio = torch.where((size > 0) & (slope > 0), TRUST * size / slope, 1.0)
                    update = update * ratio
                state = self.state[parameter]
                if "momentum_buffer" not in state:
                    state["momentum_buffer"] = torch.zeros_like(parameter)
                velocity = state["momentum_buffer"]
                velocity.mul_(group["momentum"]).add_(update * group["lr"])
                parameter.sub_(velocity)
