"""DARTS (SSNAS sec. 3.3, 3.5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from nassl.settings.errors import SettingsError
from nassl.settings.recipe import Recipe
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

    def check(self, where: str, recipe: Recipe, operations: int) -> None:
        """Raises SettingsError for what DARTS is not defined for."""
        if self.order not in (1, 2):
            raise SettingsError(f"{where}: strategy.order is {self.order}; available: 1, 2")
        if self.order == 2 and recipe.optimizer != "sgd":
            raise SettingsError(
                f"{where}: strategy.order 2 unrolls a step of SGD, but recipe.optimizer is "
                f"{recipe.optimizer!r}; set it to sgd, or the order to 1"
            )
        if self.order == 2 and recipe.precision != "float32":
            raise SettingsError(
                f"{where}: recipe.precision is {recipe.precision!r} with strategy.order 2, whose "
                "difference of two nearby gradients is lost in rounding; set it to float32, or the "
                "order to 1"
            )

    def trained_share(self) -> float:
        return 1.0 - self.validation_fraction if self.separate_sets else 1.0

    def step_cost(self) -> float:
        """First order: alpha takes 2 passes of 3 (its gradient needs no gradient of the weights).
        Second: the virtual step 3, the unrolled gradient 3, two for the Hessian product 4."""
        return 5 / 3 if self.order == 1 else 13 / 3

    def step_views(self) -> int:
        return 2
