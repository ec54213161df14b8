"""FaUNAE's cells."""

from __future__ import annotations

from dataclasses import dataclass
from pkgutil import resolve_name
from typing import Any, ClassVar

from nassl.settings.space import SpaceSettings


@dataclass
class DenseSpace(SpaceSettings, kind="dense"):
    """FaUNAE's cells for CIFAR-10, an operation on each of the 14 edges (sec. III.A, IV.C.1)."""

    channels: int
    cells: int
    stem: str  # cifar | imagenet
    edges: str  # all | top2: edges per node that the found genotype keeps

    implementation: ClassVar[str] = "nassl.supernets.dense:DenseSupernet"
    of_cells: ClassVar[bool] = True

    def drawn(self, seed: int) -> Any:
        return resolve_name("nassl.genotypes.dense:random_dense")(seed)

    def typical(self) -> Any:
        return self.drawn(0)

    def operations(self) -> int:
        return max(map(len, resolve_name("nassl.genotypes.dense:candidates")()))
