"""The discrete network of a cell genotype: what is retrained, pretrained and probed."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from nassl.genotypes.cell import INPUTS, Cell, CellGenotype
from nassl.genotypes.dense import DenseGenotype
from nassl.networks.cell_frame import CellFrame, CellShape, cell_shapes, reductions
from nassl.networks.layout import DepthwiseNetwork, layout
from nassl.networks.network import module_list
from nassl.networks.operations import OPERATIONS, without_pool_norm
from nassl.networks.stem import build_stem
from nassl.settings import Network


class DiscreteCell(CellFrame):
    """Two edges into each of four intermediate nodes, whose concatenation is the output.

    `operations[2 * node + i]` is the operation of the i-th edge of that node.
    """

    def __init__(self, cell: Cell, shape: CellShape, affine: bool, pool_norm: bool = False) -> None:
        super().__init__(shape, affine)
        self.predecessors = [state for node in cell for _, state in node]
        operations = [
            OPERATIONS[name](shape.channels, 2 if shape.reduction and state < INPUTS else 1, affine)
            for node in cell
            for name, state in node
        ]
        self.operations = nn.ModuleList(
            operations if pool_norm else map(without_pool_norm, operations)
        )

    def forward(self, older: Tensor, newer: Tensor, drop_path: float | Tensor) -> Tensor:
        """Returns (B, 4C, H, W)."""
        states = [self.preprocess0(older), self.preprocess1(newer)]
        edges = list(zip(self.operations, self.predecessors, strict=True))
        for first in range(0, len(edges), 2):
            one, other = (
                self.edge(operation, states[state], drop_path)
                for operation, state in edges[first : first + 2]
            )
            states.append(one + other)
        return torch.cat(states[INPUTS:], dim=1)


class CellNetwork(DepthwiseNetwork):
    """Stem, cells, global average pooling; (B, in_channels, H, W) -> (B, feature_dim).

    `drop_path`, set by the loop, spares identities. The map for an auxiliary head is that at 2/3 of
    the depth. With `pool_norm`, pools are followed by batch norm as in the supernet; DARTS'
    retraining network, and so all that is trained here, has none.
    """

    cell_type: type[Any] = DiscreteCell  # a dense space has another

    def __init__(
        self,
        genotype: CellGenotype | DenseGenotype,
        network: Network,
        in_channels: int = 3,
        affine: bool = True,
        pool_norm: bool = False,
    ) -> None:
        super().__init__()
        self.stem = build_stem(network.stem, in_channels, network.channels)
        shapes = cell_shapes(self.stem, network.cells, network.channels)
        self.cells = module_list(
            self.cell_type(
                genotype.reduce if shape.reduction else genotype.normal, shape, affine, pool_norm
            )
            for shape in shapes
        )
        self.feature_dim = shapes[-1].out_channels
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
        older, newer = self.stem(x.contiguous(memory_format=layout(x)))
        for index, cell in enumerate(self.cells):
            older, newer = newer, cell(older, newer, self.drop_path)
            if index == self.auxiliary_cell:
                auxiliary = newer
        # Not adaptive_avg_pool2d: its backward is not deterministic on GPUs.
        return newer.mean(dim=(2, 3)), auxiliary
