"""From settings to the strategy that a run calls."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

from nassl.settings import SettingsError
from nassl.training.checkpoint import Checkpoints
from stages.runs.run import Run
from stages.search.found import Found
from stages.search.initial import refuse_initial

Strategy = Callable[[Run, Namespace, Path, Checkpoints], Found]


def strategy_of(run: Run) -> Strategy:
    """The function that the kind of the run's strategy names; imported here, so that only a
    strategy that trains imports torch.

    Raises SettingsError if it cannot search the run's space, or takes no initial structure and is
    given one.
    """
    strategy, space = run.settings["strategy"], run.settings["space"].kind
    if space not in strategy.searches:
        raise SettingsError(
            f"strategy {strategy.kind!r} cannot search the space {space!r}; "
            f"available: {', '.join(sorted(strategy.searches))}"
        )
    if not strategy.takes_initial:
        refuse_initial(run)
    return strategy.load()
