"""What all networks of cells have in common: the sizes of their cells, and a cell's frame."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn

from nassl.genotypes.cell import NODES
from nassl.networks.drop_path import drop_path as drop
from nassl.networks.operations import FactorizedReduce, ReLUConvBN
from nassl.networks.stem import Stem


class CellShape(NamedTuple):
    """Channels of the older input, of the newer one and of every node. `reduction`: the cell halves
    the resolution; `older_reduced`: the cell before it did, so the older input has twice the
    resolution of the newer one."""

    older_channels: int
    newer_channels: int
    channels: int
    reduction: bool
    older_reduced: bool

    @property
    def out_channels(self) -> int:
        return NODES * self.channels


def reductions(cells: int) -> tuple[int, int]:
    """The cells that halve the resolution and double the channels: at 1/3 and 2/3 of the depth."""
    return cells // 3, 2 * cells // 3


def cell_shapes(stem: Stem, cells: int, channels: int) -> list[CellShape]:
    """The shapes of `cells` cells after `stem`; `channels` are those of a node before the first
    reduction."""
    found = []
    older = newer = stem.out_channels
    older_reduced = stem.first_reduces
    for index in range(cells):
        reduction = index in reductions(cells)
        channels *= 2 if reduction else 1
        found.append(CellShape(older, newer, channels, reduction, older_reduced))
        older, newer, older_reduced = newer, found[-1].out_channels, reduction
    return found


class CellFrame(nn.Module):
    """The part of a cell that does not depend on its operations: `preprocess0` and `preprocess1`
    give both inputs the channels of a node and one resolution."""

    def __init__(self, shape: CellShape, affine: bool) -> None:
        super().__init__()
        older = FactorizedReduce if shape.older_reduced else ReLUConvBN
        self.preprocess0 = older(shape.older_channels, shape.channels, affine)
        self.preprocess1 = ReLUConvBN(shape.newer_channels, shape.channels, affine)
        self.reduction, self.channels = shape.reduction, shape.channels

    def edge(self, operation: nn.Module, x: Tensor, drop_path: float | Tensor) -> Tensor:
        """`operation(x)`. In training it is zero for an image with probability `drop_path`, unless
        it is an identity, and otherwise scaled so that its mean stays (DARTS' code)."""
        x = operation(x)
        if self.training and not isinstance(operation, nn.Identity):
            x = drop(x, drop_path)
        return x
