"""The settings that a plan may contain: one dataclass per section of params.yaml, checked by type.

A section that comes in kinds (a strategy, an objective, ...) has one dataclass per kind, so that a
key that does not belong to the kind is refused instead of being ignored. Values and their sources
stand in `workflow/config/`; a default here only switches something off. A module per section; all
names are imported from here.
"""

from __future__ import annotations

from typing import Any

from stages.core.settings.data import ANNOTATED, Data
from stages.core.settings.detection import Detection
from stages.core.settings.objectives import OBJECTIVES, MoCo, NoObjective, SimCLR, Supervised
from stages.core.settings.protocols import PROTOCOLS, FineTune, Linear, NoProtocol
from stages.core.settings.recipe import Recipe
from stages.core.settings.spaces import (
    SPACES,
    BlockSpace,
    CellSpace,
    DenseSpace,
    FixedSpace,
    Network,
)
from stages.core.settings.strategies import STRATEGIES, Darts, Evolution, Manual, Proxyless, Random
from stages.core.settings.views import Views


class SettingsError(ValueError):
    """A plan that cannot be carried out: names the key, what was given and what is allowed."""


SECTIONS: dict[str, Any] = {
    "data": Data,
    "space": SPACES,
    "network": Network,
    "strategy": STRATEGIES,
    "objective": OBJECTIVES,
    "recipe": Recipe,
    "protocol": PROTOCOLS,
    "detection": Detection,
}

__all__ = [
    "ANNOTATED", "OBJECTIVES", "PROTOCOLS", "SECTIONS", "SPACES", "STRATEGIES", "BlockSpace",
    "CellSpace", "Darts", "Data", "DenseSpace", "Detection", "Evolution", "FineTune",
    "FixedSpace", "Linear", "Manual", "MoCo", "Network", "NoObjective", "NoProtocol",
    "Proxyless", "Random", "Recipe", "SettingsError", "SimCLR", "Supervised", "Views",
]  # fmt: skip
