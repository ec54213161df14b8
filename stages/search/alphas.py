"""The optimiser of alpha, of every search that trains one."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from nassl.settings import Darts, Proxyless
from nassl.training.optimisers import build_adam


def alpha_optimizer(alphas: Iterable[Tensor], settings: Darts | Proxyless) -> torch.optim.Adam:
    """Adam with the `alpha_` settings of a strategy (DARTS sec. 3.1; ProxylessNAS' code)."""
    return build_adam(
        list(alphas),
        settings.alpha_learning_rate,
        tuple(settings.alpha_betas),
        settings.alpha_weight_decay,
    )
