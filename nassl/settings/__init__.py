"""The settings that a plan may contain: one dataclass per section of params.yaml, checked by type.

A section that comes in kinds (a strategy, an objective, a space, data) has a package in which every
kind is a module with one class: its settings, so that a key that does not belong to the kind is
refused instead of being ignored, what the rest of the code must know of it, and where its
implementation is. A new module there is a new kind; nothing else lists it. Values and their sources
are in `workflow/config/`; a default here only switches something off.
"""

from __future__ import annotations

from typing import Any

from nassl.settings.data import Data, Size
from nassl.settings.datasets import DATASETS
from nassl.settings.detection import Detection
from nassl.settings.errors import SettingsError
from nassl.settings.kind import Kind
from nassl.settings.network import Network
from nassl.settings.objective import ObjectiveSettings
from nassl.settings.objectives import OBJECTIVES, training_kinds
from nassl.settings.objectives.lightly import Lightly
from nassl.settings.objectives.moco import MoCo
from nassl.settings.objectives.none import NoObjective
from nassl.settings.objectives.simclr import SimCLR
from nassl.settings.objectives.supervised import Supervised
from nassl.settings.protocols import PROTOCOLS, FineTune, Linear, NoProtocol
from nassl.settings.recipe import Recipe
from nassl.settings.space import SpaceSettings
from nassl.settings.spaces import SPACES
from nassl.settings.spaces.block import BlockSpace
from nassl.settings.spaces.cell import CellSpace
from nassl.settings.spaces.dense import DenseSpace
from nassl.settings.spaces.fixed import FixedSpace
from nassl.settings.strategies import STRATEGIES
from nassl.settings.strategies.darts import Darts
from nassl.settings.strategies.evolution import Evolution
from nassl.settings.strategies.manual import Manual
from nassl.settings.strategies.proxyless import Proxyless
from nassl.settings.strategies.random import Random
from nassl.settings.strategy import StrategySettings
from nassl.settings.views import Views

SECTIONS: dict[str, Any] = {
    "data": DATASETS,
    "space": SPACES,
    "network": Network,
    "strategy": STRATEGIES,
    "objective": OBJECTIVES,
    "recipe": Recipe,
    "protocol": PROTOCOLS,
    "detection": Detection,
}

__all__ = [
    "DATASETS", "OBJECTIVES", "PROTOCOLS", "SECTIONS", "SPACES", "STRATEGIES", "BlockSpace",
    "CellSpace", "Darts", "Data", "DenseSpace", "Detection", "Evolution", "FineTune",
    "FixedSpace", "Kind", "Lightly", "Linear", "Manual", "MoCo", "Network", "NoObjective",
    "NoProtocol", "ObjectiveSettings", "Proxyless", "Random", "Recipe", "SettingsError", "SimCLR",
    "Size", "SpaceSettings", "StrategySettings", "Supervised", "Views", "training_kinds",
]  # fmt: skip
