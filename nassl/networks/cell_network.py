"""The discrete network of a cell genotype: what is retrained, pretrained and probed."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from nassl.genotypes.cell import INPUTS, NODES, Cell, CellGenotype
from nassl.networks.drop_path import drop_path as drop
from nassl.networks.layout import DepthwiseNetwork, layout
from nassl.networks.operations import OPERATIONS, FactorizedReduce, ReLUConvBN
from nassl.networks.stem import build_stem, reductions
from nassl.settings import Network


class DiscreteCell(nn.Module):
    """Two edges into each of four intermediate nodes, whose concatenation is the output.

    `operations[2 * node + i]` is the operation of the i-th edge of that node.
    """

    def __init__(
        self,
        cell: Cell,
        older_channels: int,
        newer_channels: int,
        channels: int,
        reduction: bool,
        older_reduced: bool,
        affine: bool = True,
    ) -> None:
        super().__init__()
        older = FactorizedReduce if older_reduced else ReLUConvBN
        self.preprocess0 = older(older_channels, channels, affine)
        self.preprocess1 = ReLUConvBN(newer_channels, channels, affine)
        self.predecessors = [state for node in cell for _, state in node]
        self.operations = nn.ModuleList(
            OPERATIONS[name](channels, 2 if reduction and state < INPUTS else 1, affine)
            for node in cell
            for name, state in node
        )

    def forward(self, older: Tensor, newer: Tensor, drop_path: float | Tensor) -> Tensor:
        """Returns (B, 4C, H, W)."""
        states = [self.preprocess0(older), self.preprocess1(newer)]
        edges = list(zip(self.operations, self.predecessors, strict=True))
        for first in range(0, len(edges), 2):
            one, other = (
                self._edge(operation, states[state], drop_path)
                for operation, state in edges[first : first + 2]
            )
            states.append(one + other)
        return torch.cat(states[INPUTS:], dim=1)

    def _edge(self, operation: nn.Module, x: Tensor, drop_path: float | Tensor) -> Tensor:
        x = operation(x)
        if self.training and not isinstance(operation, nn.Identity):
            x = drop(x, drop_path)
        return x


class CellNetwork(DepthwiseNetwork):
    """Stem, cells, global average pooling; (B, in_channels, H, W) -> (B, feature_dim).

    `drop_path` is the probability that an edge (other than an identity) is dropped for an image in
    training, set by the loop. `auxiliary_shape` is (C, h, w) of the map at 2/3 of the depth.
    """

    cell_type: type[nn.Module] = DiscreteCell  # a dense space has another

    def __init__(
        self,
        genotype: CellGenotype,
        network: Network,
        in_channels: int = 3,
        affine: bool = True,
    ) -> None:
        super().__init__()
        self.drop_path: float | Tensor = 0.0
        channels = network.channels
        self.stem = build_stem(network.stem, in_channels, channels)
        older = newer = self.stem.out_channels
        older_reduced = self.stem.first_reduces
        self.cells = nn.ModuleList()
        for index in range(network.cells):
            reduction = index in reductions(network.cells)
            channels *= 2 if reduction else 1
            cell = genotype.reduce if reduction else genotype.normal
            self.cells.append(
                self.cell_type(cell, older, newer, channels, reduction, older_reduced, affine)
            )
            older, newer, older_reduced = newer, NODES * channels, reduction
        self.feature_dim = newer
        self.to(memory_format=torch.channels_last)

    @property
    def auxiliary_cell(self) -> int:
        """The cell that the auxiliary head follows: the second reduction, as in DARTS."""
        return reductions(len(self.cells))[1]

    def maps(self, x: Tensor) -> list[Tensor]:
        """The output of every cell, (B, 4C, H, W) each."""
        outputs = []
        older, newer = self.stem(x.contiguous(memory_format=layout(x)))
        for cell in self.cells:
            older, newer = newer, cell(older, newer, self.drop_path)
            outputs.append(newer)
        return outputs

    def forward(self, x: Tensor) -> Tensor:
        return self.forward_with_auxiliary(x)[0]

    def forward_with_auxiliary(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Features (B, feature_dim) and the map (B, C, h, w) for the auxiliary head."""
        older, newer = self.stem(x.contiguous(memory_format=layout(x)))
        for index, cell in enumerate(self.cells):
            older, newer = newer, cell(older, newer, self.drop_path)
            if index == self.auxiliary_cell:
                auxiliary = newer
        # Not adaptive_avg_pool2d: its backward is not deterministic on GPUs.
        return newer.mean(dim=(2, 3)), auxiliary
