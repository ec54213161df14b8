"""The settings that a plan may contain: one dataclass per section of params.yaml, checked by type.

A section that comes in kinds (a strategy, an objective, ...) has one dataclass per kind, so that a
key that does not belong to the kind is refused instead of being ignored. Values and their sources
are in `workflow/config/`; a default here only switches something off. Each section is a module;
import all names from here.
"""

from __future__ import annotations

from typing import Any

from nassl.settings.data import ANNOTATED, Data
from nassl.settings.detection import Detection
from nassl.settings.errors import SettingsError
from nassl.settings.objectives import OBJECTIVES, Lightly, MoCo, NoObjective, SimCLR, Supervised
from nassl.settings.protocols import PROTOCOLS, FineTune, Linear, NoProtocol
from nassl.settings.recipe import Recipe
from nassl.settings.spaces import SPACES, BlockSpace, CellSpace, DenseSpace, FixedSpace, Network
from nassl.settings.strategies import STRATEGIES, Darts, Evolution, Manual, Proxyless, Random
from nassl.settings.views import Views

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
    "FixedSpace", "Lightly", "Linear", "Manual", "MoCo", "Network", "NoObjective", "NoProtocol",
    "Proxyless", "Random", "Recipe", "SettingsError", "SimCLR", "Supervised", "Views",
]  # fmt: skip
