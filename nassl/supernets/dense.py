"""The over-parameterised network of FaUNAE's dense cell space (sec. III.A, IV.C.1)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from nassl.genotypes.dense import EDGES, ZERO, DenseGenotype, candidates, from_choice
from nassl.networks.dense_network import OPERATIONS, DenseFrame, edge_stride
from nassl.networks.stem import build_stem, reductions
from nassl.settings import DenseSpace
from nassl.supernets.sampled import SampledSupernet

CELL_KINDS = ("normal", "reduce")


class SearchDenseCell(DenseFrame):
    """A cell with every operation on every edge; `edges[e][name]` is a module."""

    def __init__(
        self,
        older_channels: int,
        newer_channels: int,
        channels: int,
        reduction: bool,
        older_reduced: bool,
    ) -> None:
        super().__init__(older_channels, newer_channels, channels, reduction, older_reduced, True)
        self.edges = nn.ModuleList(
            nn.ModuleDict(
                {
                    name: build(channels, edge_stride(edge, reduction), True)
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
        return self.connect(older, newer, chosen, lambda operation, x: operation(x))


class DenseSupernet(SampledSupernet):
    """28 places: the edges of the normal cell, then those of the reduction cell.

    All cells of a kind have the same choice, at first conv_3x3 everywhere. Batch norms are affine,
    as in the discrete network: no mixing weight follows them as in DARTS' supernet.
    """

    def __init__(self, space: DenseSpace, in_channels: int = 3) -> None:
        super().__init__()
        channels = space.channels
        self.stem = build_stem(space.stem, in_channels, channels)
        older = newer = self.stem.out_channels
        older_reduced = self.stem.first_reduces
        self.cells = nn.ModuleList()
        for index in range(space.cells):
            reduction = index in reductions(space.cells)
            channels *= 2 if reduction else 1
            self.cells.append(SearchDenseCell(older, newer, channels, reduction, older_reduced))
            older, newer, older_reduced = newer, 4 * channels, reduction
        self.feature_dim = newer
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
