"""The random baseline of both papers' tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from nassl.settings.strategy import StrategySettings


@dataclass
class Random(StrategySettings, kind="random"):
    """A uniformly drawn genotype."""

    implementation: ClassVar[str] = "stages.search.untrained:random_search"
    searches: ClassVar[tuple[str, ...]] = ("cell", "block", "dense")
    trains: ClassVar[bool] = False
