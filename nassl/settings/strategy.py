"""Section `strategy`: what is known of every kind, each of which is in `strategies/`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from nassl.settings.kind import Kind
from nassl.settings.recipe import Recipe


@dataclass
class StrategySettings(Kind):
    """A way to search. `implementation` is a function `(run, inputs, out, checkpoints) -> Found`.

    One that trains has a field `validation_fraction`: the share of the images that it holds out for
    the architecture.
    """

    searches: ClassVar[tuple[str, ...]]  # kinds of spaces
    trains: ClassVar[bool] = True  # False: it needs the objective `none`
    takes_initial: ClassVar[bool] = False  # whether it may start from another search's genotype

    def needed(self) -> tuple[str, ...]:
        return ("implementation", "searches", *(["validation_fraction"] if self.trains else []))

    def held_out(self) -> float:
        """The share of the images that the architecture is judged on."""
        return getattr(self, "validation_fraction", 0.0)

    def trained_share(self) -> float:
        """The share of the images that the weights are trained on."""
        return 1.0 - self.held_out()

    def step_cost(self) -> float:
        """Passes through the network in a step of the weights with all that goes with it (a step of
        alpha), in units of the passes of the step of the weights alone."""
        return 1.0

    def step_views(self) -> int:
        """Batches whose views are drawn for the same."""
        return 1

    def check(self, where: str, recipe: Recipe, operations: int) -> None:
        """Raises SettingsError for settings that cannot work together. `operations` is the largest
        number that a place of the space has to choose from."""
