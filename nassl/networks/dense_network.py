"""The discrete network of a dense cell genotype: an operation on every edge (FaUNAE sec. III.A)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nassl.genotypes.cell import INPUTS, NODES
from nassl.genotypes.dense import EDGES, ZERO, DenseCell
from nassl.kernels.batch_norm import BatchNorm
from nassl.networks import operations
from nassl.networks.cell_frame import CellFrame, CellShape
from nassl.networks.cell_network import CellNetwork
from nassl.networks.operations import without_pool_norm


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
    return 2 if reduction and EDGES[edge][1] < INPUTS else 1


class DenseFrame(CellFrame):
    """A cell of which every state gets an edge from every earlier one."""

    def connect(
        self,
        older: Tensor,
        newer: Tensor,
        edges: Sequence[nn.Module | None],
        drop_path: float | Tensor = 0.0,
    ) -> Tensor:
        """`edges` has the operation of each of the 14 edges, None for `none`. A node of which every
        edge is `none` is zero. Returns (B, 4C, H, W)."""
        states = [self.preprocess0(older), self.preprocess1(newer)]
        for node in range(NODES):
            arriving = [
                self.edge(operation, states[predecessor], drop_path)
                for operation, (target, predecessor) in zip(edges, EDGES, strict=True)
                if target == node and operation is not None
            ]
            states.append(sum(arriving[1:], arriving[0]) if arriving else self._zero(states[1]))
        return torch.cat(states[INPUTS:], dim=1)

    def _zero(self, x: Tensor) -> Tensor:
        if self.reduction:  # what an edge of stride 2 gives, odd sides rounded up
            x = x[:, :, ::2, ::2]
        return torch.zeros_like(x)


class DiscreteDenseCell(DenseFrame):
    """`operations["5"]` is the operation of edge 5; an edge with `none` has no entry."""

    def __init__(
        self, cell: DenseCell, shape: CellShape, affine: bool, pool_norm: bool = False
    ) -> None:
        super().__init__(shape, affine)
        names = [operation for node in cell for operation, _ in node]
        operations = {
            str(edge): OPERATIONS[name](shape.channels, edge_stride(edge, shape.reduction), affine)
            for edge, name in enumerate(names)
            if name != ZERO
        }
        if not pool_norm:
            operations = {edge: without_pool_norm(found) for edge, found in operations.items()}
        self.operations = nn.ModuleDict(operations)

    def forward(self, older: Tensor, newer: Tensor, drop_path: float | Tensor) -> Tensor:
        by_edge = dict(self.operations.items())
        edges = [by_edge.get(str(edge)) for edge in range(len(EDGES))]
        return self.connect(older, newer, edges, drop_path)


class DenseNetwork(CellNetwork):
    """A CellNetwork of dense cells: (B, in_channels, H, W) -> (B, feature_dim)."""

    cell_type = DiscreteDenseCell
