"""Published networks."""

from __future__ import annotations

from dataclasses import dataclass
from pkgutil import resolve_name
from typing import Any, ClassVar

from nassl.settings.space import SpaceSettings


@dataclass
class FixedSpace(SpaceSettings, kind="resnet"):
    """A published network: nothing to search."""

    depth: int  # 18 | 50

    of_cells: ClassVar[bool] = False

    def drawn(self, seed: int) -> Any:
        return self.typical()

    def typical(self) -> Any:
        return resolve_name("nassl.genotypes.resnet:ResNetGenotype")(self.depth)
