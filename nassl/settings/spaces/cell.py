"""DARTS' cells."""

from __future__ import annotations

from dataclasses import dataclass
from pkgutil import resolve_name
from typing import Any, ClassVar

from nassl.settings.space import SpaceSettings


@dataclass
class CellSpace(SpaceSettings, kind="cell"):
    """DARTS' cell space and the size of its supernet (SSNAS sec. 4.1)."""

    channels: int
    cells: int
    stem: str  # cifar | imagenet

    implementation: ClassVar[str] = "nassl.supernets.cell:Supernet"
    of_cells: ClassVar[bool] = True

    def drawn(self, seed: int) -> Any:
        return resolve_name("nassl.genotypes.cell:random_genotype")(seed)

    def typical(self) -> Any:
        return self.drawn(0)

    def operations(self) -> int:
        return len(resolve_name("nassl.genotypes.cell:CELL_OPERATIONS"))
