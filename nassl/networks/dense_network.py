"""The discrete network of a dense cell genotype: an operation on every edge (FaUNAE sec. III.A)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nassl.genotypes.dense import EDGES, ZERO, DenseCell
from nassl.kernels.batch_norm import BatchNorm
from nassl.networks import operations
from nassl.networks.cell_network import CellNetwork
from nassl.networks.drop_path import drop_path as drop
from nassl.networks.operations import FactorizedReduce, ReLUConvBN


class Conv(nn.Module):
    """ReLU, convolution, batch norm: (B, C, H, W) -> (B, C, H / stride, W / stride)."""

    def __init__(self, channels: int, kernel: int, stride: int, affine: bool) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, kernel, stride, kernel // 2, bias=False)
        self.norm = BatchNorm(channels, affine)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.conv(F.relu(x)))


# name -> builder(channels, stride, affine); `none` has no module. A depthwise-separable convolution
# is applied twice, "following [14]" (sec. III.A): DARTS' sep_conv.
OPERATIONS: dict[str, Callable[[int, int, bool], nn.Module]] = {
    "conv_3x3": lambda channels, stride, affine: Conv(channels, 3, stride, affine),
    "conv_5x5": lambda channels, stride, affine: Conv(channels, 5, stride, affine),
} | {
    name: operations.OPERATIONS[name]
    for name in ("skip_connect", "sep_conv_3x3", "sep_conv_5x5", "max_pool_3x3", "avg_pool_3x3")
}


def edge_stride(edge: int, reduction: bool) -> int:
    """2 on a reduction cell's edges from the two inputs, else 1."""
    return 2 if reduction and EDGES[edge][1] < 2 else 1


class DenseFrame(nn.Module):
    """The part of a cell that does not depend on its operations."""

    def __init__(
        self,
        older_channels: int,
        newer_channels: int,
        channels: int,
        reduction: bool,
        older_reduced: bool,
        affine: bool,
    ) -> None:
        super().__init__()
        older = FactorizedReduce if older_reduced else ReLUConvBN
        self.preprocess0 = older(older_channels, channels, affine)
        self.preprocess1 = ReLUConvBN(newer_channels, channels, affine)
        self.reduction = reduction

    def connect(
        self,
        older: Tensor,
        newer: Tensor,
        edges: Sequence[nn.Module | None],
        apply: Callable[[nn.Module, Tensor], Tensor],
    ) -> Tensor:
        """`edges` has the operation of each of the 14 edges, None for `none`. A node of which every
        edge is `none` is zero. Returns (B, 4C, H, W)."""
        states = [self.preprocess0(older), self.preprocess1(newer)]
        for node in range(4):
            arriving = [
                apply(edges[number], states[predecessor])
                for number, (target, predecessor) in enumerate(EDGES)
                if target == node and edges[number] is not None
            ]
            states.append(sum(arriving[1:], arriving[0]) if arriving else self._zero(states[1]))
        return torch.cat(states[2:], dim=1)

    def _zero(self, x: Tensor) -> Tensor:
        if self.reduction:  # what an edge of stride 2 gives, odd sides rounded up
            x = x[:, :, ::2, ::2]
        return torch.zeros_like(x)


class DiscreteDenseCell(DenseFrame):
    """`operations["5"]` is the operation of edge 5; an edge with `none` has no entry."""

    def __init__(
        self,
        cell: DenseCell,
        older_channels: int,
        newer_channels: int,
        channels: int,
        reduction: bool,
        older_reduced: bool,
        affine: bool = True,
    ) -> None:
        super().__init__(older_channels, newer_channels, channels, reduction, older_reduced, affine)
        names = [operation for node in cell for operation, _ in node]
        self.operations = nn.ModuleDict(
            {
                str(edge): OPERATIONS[name](channels, edge_stride(edge, reduction), affine)
                for edge, name in enumerate(names)
                if name != ZERO
            }
        )

    def forward(self, older: Tensor, newer: Tensor, drop_path: float | Tensor) -> Tensor:
        def apply(operation: nn.Module, x: Tensor) -> Tensor:
            y = operation(x)
            if self.training and not isinstance(operation, nn.Identity):
                y = drop(y, drop_path)
            return y

        by_edge = dict(self.operations.items())
        edges = [by_edge.get(str(edge)) for edge in range(len(EDGES))]
        return self.connect(older, newer, edges, apply)


class DenseNetwork(CellNetwork):
    """A CellNetwork of dense cells: (B, in_channels, H, W) -> (B, feature_dim)."""

    cell_type = DiscreteDenseCell
