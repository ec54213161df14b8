"""FaUNAE's chain of blocks."""

from __future__ import annotations

from dataclasses import dataclass
from pkgutil import resolve_name
from typing import Any, ClassVar

from nassl.settings.space import SpaceSettings


@dataclass
class BlockSpace(SpaceSettings, kind="block"):
    """FaUNAE's chain of bottlenecks for ImageNet and its search network's size (sec. III.A)."""

    channels: int  # of the stem: 64 is ResNet-50's width, 32 the search network's
    depths: list[int]  # blocks in each of the stages; ResNet-50 has 3, 4, 6, 3
    stem: str  # cifar | imagenet

    implementation: ClassVar[str] = "nassl.supernets.block:BlockSupernet"
    of_cells: ClassVar[bool] = False

    def drawn(self, seed: int) -> Any:
        return resolve_name("nassl.genotypes.block:random_blocks")(self.depths, seed)

    def typical(self) -> Any:
        return resolve_name("nassl.genotypes.block:resnet50")(self.depths)

    def operations(self) -> int:
        return max(map(len, resolve_name("nassl.genotypes.block:candidates")(self.depths)))
