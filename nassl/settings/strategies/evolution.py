"""FaUNAE's evolution, and how many epochs it takes (sec. IV.B)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from nassl.settings.errors import SettingsError
from nassl.settings.recipe import Recipe
from nassl.settings.strategy import StrategySettings


@dataclass
class Evolution(StrategySettings, kind="evolution"):
    """Evolution with elimination (FaUNAE Alg. 1). The recipe's epochs must be `initial_epochs` +
    `elimination_epochs` times the sum of 2..K (sec. IV.B)."""

    validation_fraction: float
    elimination_epochs: int  # E: an operation per block is dropped every K * E epochs
    initial_epochs: int  # training of the initial structure before the first mutation
    epsilon: float  # eq. 1, at the start
    final_epsilon: float  # reached linearly in the last epoch
    mutation_weight: float  # lambda_1, eq. 3
    loss_decay: float  # lambda_2, eq. 4
    depth_mutation: float  # probability per epoch that one block is set to identity

    implementation: ClassVar[str] = "stages.search.evolution:search_evolution"
    searches: ClassVar[tuple[str, ...]] = ("block", "dense")
    takes_initial: ClassVar[bool] = True

    def check(self, where: str, recipe: Recipe, operations: int) -> None:
        """Raises SettingsError unless the epochs are those of the initial structure and of the
        evolution from K = `operations` to one (Alg. 1)."""
        mutating = total_epochs(operations, self.elimination_epochs)
        needed = self.initial_epochs + mutating
        if recipe.epochs != needed:
            raise SettingsError(
                f"{where}: recipe.epochs is {recipe.epochs}, but {operations} operations take "
                f"strategy.initial_epochs {self.initial_epochs} + strategy.elimination_epochs "
                f"{self.elimination_epochs} * (2 + ... + {operations}) = {needed}; set it to that"
            )


def total_epochs(operations: int, elimination_epochs: int) -> int:
    """E times the sum of K, K - 1, ..., 2 (sec. IV.B)."""
    return elimination_epochs * sum(range(2, operations + 1))
