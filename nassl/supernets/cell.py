"""The supernet of a DARTS search: every edge is a mixture of all operations (SSNAS sec. 4.1).

It computes what the literal formulation computes (each edge its own mixed operation; tests/oracles
has it as the reference), but does the work that edges share only once:

- ReLU, pools with their batch norm and the sub-grids of dilated convolutions are made once per node
  for all outgoing edges (the batch norms of pools have no affine, so one stands for all of them);
- `none` contributes zero: it takes its share of the softmax and nothing else;
- the mixing weight of a convolution is the affine weight of its last batch norm (`operations.py`);
- what the dilated convolutions give is summed on the sub-grids and merged once per node;
- everything is channels_last, and a node is one weighted sum (`mixing.py`).

A GPU, in training, computes all edges that leave a state together instead (`together.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nassl.genotypes.cell import (
    CELL_OPERATIONS,
    EDGES,
    INPUTS,
    NODES,
    CellGenotype,
    derive,
    edge_index,
)
from nassl.kernels.mixing import add_up, weighted_sum
from nassl.networks import subgrids
from nassl.networks.cell_frame import CellFrame, CellShape, cell_shapes
from nassl.networks.layout import DepthwiseNetwork, layout
from nassl.networks.network import module_dict, module_list
from nassl.networks.operations import OPERATIONS, Pool
from nassl.networks.stem import build_stem
from nassl.parallel.path import as_on_gpu
from nassl.settings import CellSpace
from nassl.supernets.together import MixingWeights, Statistics, forward_together

MAX, AVG, SKIP, SEP3, SEP5, DIL3, DIL5 = range(1, len(CELL_OPERATIONS))
SEPARABLE = ((SEP3, "sep_conv_3x3"), (SEP5, "sep_conv_5x5"))
DILATED = ((DIL3, "dil_conv_3x3"), (DIL5, "dil_conv_5x5"))
Scales = Sequence[Sequence[Tensor]]  # [edge][operation] -> (C,)


class Source(nn.Module):
    """What all edges that leave a node share: its pools, of stride 2 if the edges are."""

    def __init__(self, channels: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.max_pool = Pool("max", channels, stride)
        self.avg_pool = Pool("avg", channels, stride)


class Features:
    """A node's features (B, C, H, W) and what was made of them once."""

    def __init__(self, x: Tensor, source: Source) -> None:
        self.x = x
        self.stride = source.stride
        self.pools = source.max_pool(x), source.avg_pool(x)
        self.rectified = F.relu(x)
        self.even = self.odd = self.grids = None
        if self.stride == 2:
            self.even, self.odd = subgrids.even(self.rectified), subgrids.odd(self.rectified)
        elif x.device.type == "cpu" and x.shape[2] % 2 == 0 and x.shape[3] % 2 == 0:
            self.grids = subgrids.split(self.rectified)


class MixedCell(CellFrame):
    """A normal or a reduction cell of the supernet.

    `edges[edge_index(node, predecessor)]` holds the operations with weights of that edge,
    `sources[state]` the pools of a state. No batch norm is affine.
    """

    def __init__(self, shape: CellShape) -> None:
        super().__init__(shape, affine=False)
        # The last node has no outgoing edge.
        self.sources = module_list(
            Source(shape.channels, self._stride(state)) for state in range(INPUTS + NODES - 1)
        )
        self.edges = module_list(
            self._edge(state) for node in range(NODES) for state in range(INPUTS + node)
        )

    def _stride(self, state: int) -> int:
        return 2 if self.reduction and state < INPUTS else 1

    def _edge(self, state: int) -> Mapping[str, Any]:
        stride = self._stride(state)
        names = [name for _, name in SEPARABLE + DILATED]
        if stride == 2:
            names.append("skip_connect")
        return module_dict({name: OPERATIONS[name](self.channels, stride, False) for name in names})

    def forward(self, older: Tensor, newer: Tensor, mixing: Tensor, scales: Scales) -> Tensor:
        """`mixing` (14, 8) are the weights of the operations, `scales[edge][operation]` the same
        weights repeated (C,) times. Returns (B, 4C, H, W)."""
        inputs = self.preprocess0(older), self.preprocess1(newer)
        states = [Features(x, self.sources[state]) for state, x in enumerate(inputs)]
        outputs = []
        for node in range(NODES):
            x = self._node(node, states, mixing, scales)
            outputs.append(x)
            if node < NODES - 1:
                states.append(Features(x, self.sources[INPUTS + node]))
        return torch.cat(outputs, dim=1)

    def _node(self, node: int, states: list[Features], mixing: Tensor, scales: Scales) -> Tensor:
        mixed: list[Tensor] = []  # to be weighted
        scaled: list[Tensor] = []  # weighted already
        on_grids: list[Tensor] = []  # the same, on sub-grids
        for state, features in enumerate(states):
            row = edge_index(node, state)
            edge, scale = self.edges[row], scales[row]
            mixed += features.pools
            if features.stride == 2:
                skip = edge["skip_connect"].on_grids(features.even, features.odd, scale[SKIP])
                scaled.append(skip)
            else:
                mixed.append(features.x)
            for column, name in SEPARABLE:
                scaled.append(edge[name].rectified(features.rectified, scale[column]))
            for column, name in DILATED:
                if features.stride == 2:
                    scaled.append(edge[name].on_grids(features.even, scale[column]))
                elif features.grids is not None:
                    on_grids.append(edge[name].on_grids(features.grids, scale[column]))
                else:
                    scaled.append(edge[name].rectified(features.rectified, scale[column]))
        if on_grids:
            height, width = scaled[0].shape[2:]
            scaled.append(subgrids.merge(add_up(on_grids), height, width))
        # In the order of `mixed`: a reduction cell's inputs have a skip with weights of its own.
        first, last = edge_index(node, 0), edge_index(node, len(states) - 1) + 1
        middle = first + (INPUTS if self.reduction else 0)
        weights = mixing[middle:last, MAX : SKIP + 1].reshape(-1)
        if self.reduction:
            weights = torch.cat([mixing[first:middle, MAX:SKIP].reshape(-1), weights])
        return weighted_sum(weights, mixed, scaled)


class Supernet(DepthwiseNetwork):
    """Stem, cells, global average pooling; (B, in_channels, H, W) -> (B, feature_dim).

    `alpha_normal` and `alpha_reduce` (14, 8) are shared by all cells of their kind, rows ordered by
    node and predecessor, columns as CELL_OPERATIONS.
    """

    def __init__(self, space: CellSpace, in_channels: int = 3) -> None:
        super().__init__()
        self.stem = build_stem(space.stem, in_channels, space.channels)
        shapes = cell_shapes(self.stem, space.cells, space.channels)
        self.cells = module_list(MixedCell(shape) for shape in shapes)
        self.feature_dim = shapes[-1].out_channels
        shape = (EDGES, len(CELL_OPERATIONS))
        self.alpha_normal = nn.Parameter(1e-3 * torch.randn(shape))
        self.alpha_reduce = nn.Parameter(1e-3 * torch.randn(shape))
        self.to(memory_format=torch.channels_last)

    def forward(self, x: Tensor, mixing: tuple[Tensor, Tensor] | None = None) -> Tensor:
        """`mixing` = (normal, reduce), each (14, 8), takes the place of the softmax of alpha."""
        if mixing is None:
            mixing = self.alpha_normal.softmax(dim=-1), self.alpha_reduce.softmax(dim=-1)
        older, newer = self.stem(x.contiguous(memory_format=layout(x)))
        if self.training and as_on_gpu(x):
            newer = self._together(older, newer, mixing)
        else:
            newer = self._edge_by_edge(older, newer, mixing)
        # Not adaptive_avg_pool2d: its backward is not deterministic on GPUs.
        return newer.mean(dim=(2, 3))

    def _together(self, older: Tensor, newer: Tensor, mixing: tuple[Tensor, Tensor]) -> Tensor:
        statistics, weights = Statistics(), [MixingWeights(each) for each in mixing]
        for cell in self.cells:
            made = forward_together(cell, older, newer, weights[cell.reduction], statistics)
            older, newer = newer, made
        statistics.update()
        return newer

    def _edge_by_edge(self, older: Tensor, newer: Tensor, mixing: tuple[Tensor, Tensor]) -> Tensor:
        scales: dict[tuple[bool, int], Scales] = {}  # made once per kind and width of cell
        for cell in self.cells:
            weights = mixing[cell.reduction]
            key = cell.reduction, cell.channels
            if key not in scales:
                scales[key] = _repeat(weights, cell.channels)
            older, newer = newer, cell(older, newer, weights, scales[key])
        return newer

    @torch.no_grad()
    def follow(self, other: Self) -> None:
        pairs = zip(self.architecture_parameters(), other.architecture_parameters(), strict=True)
        for mine, others in pairs:
            mine.copy_(others)

    def architecture_parameters(self) -> list[nn.Parameter]:
        return [self.alpha_normal, self.alpha_reduce]

    def weight_parameters(self) -> Iterator[nn.Parameter]:
        alphas = {id(alpha) for alpha in self.architecture_parameters()}
        return (p for p in self.parameters() if id(p) not in alphas)

    def genotype(self) -> CellGenotype:
        """Discretisation of the present alphas."""
        return derive(self.alpha_normal.tolist(), self.alpha_reduce.tolist())


def _repeat(weights: Tensor, channels: int) -> Scales:
    """(14, 8) -> [edge][operation] -> (C,), contiguous as a batch norm's weight must be."""
    repeated = weights.unsqueeze(-1).expand(-1, -1, channels).contiguous()
    rows = repeated.view(-1, channels).unbind(0)
    width = weights.shape[1]
    return [rows[start : start + width] for start in range(0, len(rows), width)]
