"""The optimiser of alpha, of every search that trains one."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from nassl.settings import Darts, Proxyless


def alpha_optimizer(alphas: Iterable[Tensor], settings: Darts | Proxyless) -> torch.optim.Adam:
    """Adam with the `alpha_` settings of a strategy (DARTS sec. 3.1; ProxylessNAS' code)."""
    return torch.optim.Adam(
        alphas,
        lr=settings.alpha_learning_rate,
        betas=tuple(settings.alpha_betas),
        weight_decay=settings.alpha_weight_decay,
    )
