"""What a strategy searches, and what it ends with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from nassl.genotypes import Genotype
from nassl.settings import SettingsError
from stages.runs.run import Run


@dataclass
class Found:
    """What a search ends with. `history` becomes alphas.json; curves are written meanwhile."""

    genotype: Genotype
    metrics: dict[str, Any] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    device: str = "cpu"


def by_space(run: Run, choices: dict[str, Any]) -> Any:
    """The choice for the run's space. Raises SettingsError if there is none."""
    kind = run.settings["space"].kind
    if kind not in choices:
        raise SettingsError(
            f"strategy {run.settings['strategy'].kind!r} cannot search the space {kind!r}; "
            f"available: {', '.join(sorted(choices))}"
        )
    return choices[kind]
