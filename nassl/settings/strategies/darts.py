"""DARTS (SSNAS sec. 3.3, 3.5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from nassl.settings.strategy import StrategySettings


@dataclass
class Darts(StrategySettings, kind="darts"):
    order: int  # 1 | 2
    separate_sets: bool  # False: all samples for both steps (SSNAS sec. 4.4)
    validation_fraction: float
    alpha_learning_rate: float
    alpha_betas: list[float]
    alpha_weight_decay: float

    implementation: ClassVar[str] = "stages.search.darts:search_darts"
    searches: ClassVar[tuple[str, ...]] = ("cell",)

    def trained_share(self) -> float:
        return 1.0 - self.validation_fraction if self.separate_sets else 1.0

    def step_cost(self) -> float:
        """First order: alpha takes 2 passes of 3 (its gradient needs no gradient of the weights).
        Second: the virtual step 3, the unrolled gradient 3, two for the Hessian product 4."""
        return 5 / 3 if self.order == 1 else 13 / 3

    def step_views(self) -> int:
        return 2
