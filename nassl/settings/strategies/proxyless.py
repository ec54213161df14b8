"""ProxylessNAS, which FaUNAE is compared with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from nassl.settings.strategy import StrategySettings


@dataclass
class Proxyless(StrategySettings, kind="proxyless"):
    """One sampled path for the weights, two for the architecture."""

    validation_fraction: float
    warmup_epochs: int  # in which only the weights are trained
    alpha_learning_rate: float
    alpha_betas: list[float]
    alpha_weight_decay: float

    implementation: ClassVar[str] = "stages.search.proxyless:search_proxyless"
    searches: ClassVar[tuple[str, ...]] = ("block",)

    def step_cost(self) -> float:
        """The weights' path, and two paths for the architecture."""
        return 3.0

    def step_views(self) -> int:
        return 2
