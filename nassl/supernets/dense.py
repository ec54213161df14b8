"""The over-parameterised network of FaUNAE's dense cell space (sec. III.A, IV.C.1)."""

from __future__ import annotations

import torch
from torch import Tensor

from nassl.genotypes.dense import EDGES, ZERO, DenseGenotype, candidates, from_choice
from nassl.networks.cell_frame import CellShape, cell_shapes
from nassl.networks.dense_network import OPERATIONS, DenseFrame, edge_stride
from nassl.networks.network import module_dict, module_list
from nassl.networks.stem import build_stem
from nassl.settings import DenseSpace
from nassl.supernets.sampled import SampledSupernet

CELL_KINDS = ("normal", "reduce")


class SearchDenseCell(DenseFrame):
    """A cell with every operation on every edge; `edges[e][name]` is a module."""

    def __init__(self, shape: CellShape) -> None:
        super().__init__(shape, affine=True)
        self.edges = module_list(
            module_dict(
                {
                    name: build(shape.channels, edge_stride(edge, shape.reduction), True)
                    for name, build in OPERATIONS.items()
                }
            )
            for edge in range(len(EDGES))
        )

    def forward(self, older: Tensor, newer: Tensor, choice: tuple[str, ...]) -> Tensor:
        chosen = [
            None if name == ZERO else edge[name]
            for edge, name in zip(self.edges, choice, strict=True)
        ]
        return self.connect(older, newer, chosen)


class DenseSupernet(SampledSupernet):
    """28 places: the edges of the normal cell, then those of the reduction cell.

    All cells of a kind have the same choice, at first conv_3x3 everywhere. Batch norms are affine,
    as in the discrete network: no mixing weight follows them as in DARTS' supernet.
    """

    def __init__(self, space: DenseSpace, in_channels: int = 3) -> None:
        super().__init__()
        self.stem = build_stem(space.stem, in_channels, space.channels)
        shapes = cell_shapes(self.stem, space.cells, space.channels)
        self.cells = module_list(SearchDenseCell(shape) for shape in shapes)
        self.feature_dim = shapes[-1].out_channels
        self.places = [
            {
                name: [
                    cell.edges[place % len(EDGES)][name]
                    for cell in self.cells
                    if cell.reduction == (place >= len(EDGES)) and name != ZERO
                ]
                for name in names
            }
            for place, names in enumerate(candidates())
        ]
        self.choice = ("conv_3x3",) * len(self.places)
        self.to(memory_format=torch.channels_last)

    def forward(self, x: Tensor) -> Tensor:
        """(B, 3, H, W) -> (B, feature_dim)."""
        older, newer = self.stem(x.contiguous(memory_format=torch.channels_last))
        normal, reduce = self.choice[: len(EDGES)], self.choice[len(EDGES) :]
        for cell in self.cells:
            older, newer = newer, cell(older, newer, reduce if cell.reduction else normal)
        return newer.mean(dim=(2, 3))

    def genotype(self) -> DenseGenotype:
        """The current sub-network."""
        return from_choice(self.choice)
