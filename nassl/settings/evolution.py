"""How many epochs an evolution takes (FaUNAE sec. IV.B)."""

from __future__ import annotations

from nassl.settings.errors import SettingsError
from nassl.settings.strategies import Evolution


def total_epochs(operations: int, elimination_epochs: int) -> int:
    """E times the sum of K, K - 1, ..., 2 (sec. IV.B)."""
    return elimination_epochs * sum(range(2, operations + 1))


def check_epochs(where: str, epochs: int, settings: Evolution, operations: int) -> None:
    """Raises SettingsError unless `epochs` are those of the initial structure and of the evolution
    from K = `operations`, the largest number that a place has to choose from, to one (Alg. 1)."""
    mutating = total_epochs(operations, settings.elimination_epochs)
    needed = settings.initial_epochs + mutating
    if epochs != needed:
        raise SettingsError(
            f"{where}: recipe.epochs is {epochs}, but {operations} operations take strategy."
            f"initial_epochs {settings.initial_epochs} + strategy.elimination_epochs "
            f"{settings.elimination_epochs} * (2 + ... + {operations}) = {needed}; set it to that"
        )
