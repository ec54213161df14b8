"""Published networks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from nassl.settings.strategy import StrategySettings


@dataclass
class Manual(StrategySettings, kind="manual"):
    """The network that the space names."""

    implementation: ClassVar[str] = "stages.search.untrained:manual"
    searches: ClassVar[tuple[str, ...]] = ("resnet",)
    trains: ClassVar[bool] = False
