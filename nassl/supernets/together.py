"""A cell of the supernet as a GPU computes it: all edges that leave a state together.

The edges from one state have the same input and the same operations. So each kind of operation is
one call for all of them: a depthwise convolution of the state repeated E times, a grouped pointwise
one, a batch norm over all E * C channels with the mixing weights as its weight. A cell's two inputs
are there at the same time, and make one group. Maps are (B, E * C, H, W), edge by edge, and not
channels_last: torch's depthwise kernels for float32 are for that layout, and a batch norm of 16
channels would occupy 16 of a GPU's 132 processors.

Same function, same modules and parameters as cell by cell and edge by edge (`cell.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from nassl.genotypes.cell import CELL_OPERATIONS, EDGES, INPUTS, NODES, edge_index
from nassl.kernels.batch_norm import BatchNorm
from nassl.networks import subgrids
from nassl.networks.operations import DilConv, FactorizedReduce, SepConv
from nassl.parallel.synchronised import SynchronisedBatchNorm, batch_norm_of_all
from nassl.supernets.state_sum import state_sum

MAX, AVG, SKIP, SEP3, SEP5, DIL3, DIL5 = range(1, len(CELL_OPERATIONS))
GROUPS = [[0, 1], [2], [3], [4]]  # of states, each computed at once


def _first_node(state: int) -> int:
    """The first node that an edge from a state can lead to."""
    return max(state - INPUTS + 1, 0)


# The edges (node, state) that leave a group, state by state; LEAVING[group] is their number.
OF_GROUP = [
    [(node, state) for state in group for node in range(_first_node(state), NODES)]
    for group in GROUPS
]
IN_ORDER = [edge_index(*edge) for edges in OF_GROUP for edge in edges]
LEAVING = [len(edges) for edges in OF_GROUP]


class Statistics:
    """Running statistics of batch norms, moved together after a forward pass."""

    def __init__(self) -> None:
        self._norms: list[BatchNorm] = []
        self._means: list[Tensor] = []
        self._variances: list[Tensor] = []  # unbiased
        self._of_groups: list[tuple[int, Tensor, Tensor, int]] = []

    def norm(self, x: Tensor, norms: Sequence[BatchNorm], weight: Tensor | None = None) -> Tensor:
        """Batch norm in training mode of (B, E * C, H, W) with E norms of C channels, scaled by
        `weight` (E * C,). Norms that do not track their statistics keep them."""
        first = norms[0]
        if isinstance(first, SynchronisedBatchNorm):
            y, mean, inverse, count = batch_norm_of_all(x, weight, None, first.eps)
        else:
            made = torch.native_batch_norm(x, weight, None, None, None, True, 0.0, first.eps)
            y, mean, inverse = made
            count = x.numel() // x.shape[1]
        if first.track_running_stats:
            self._norms += norms
            self._of_groups.append((len(norms), mean, inverse, count))
        return y

    @torch.no_grad()
    def update(self) -> None:
        """A step of every running mean and variance, and a batch more for every count."""
        if not self._norms:
            return
        norms, eps, momentum = self._norms, self._norms[0].eps, self._norms[0].momentum
        numbers, means, inverses, counts = map(list, zip(*self._of_groups, strict=True))
        variances = torch._foreach_pow([inverse.detach() for inverse in inverses], -2)
        torch._foreach_sub_(variances, eps)
        torch._foreach_clamp_min_(variances, 0.0)
        torch._foreach_mul_(variances, [count / (count - 1) for count in counts])
        self._lerp([norm.running_mean for norm in norms], means, numbers, momentum)
        self._lerp([norm.running_var for norm in norms], variances, numbers, momentum)
        torch._foreach_add_([norm.num_batches_tracked for norm in norms], 1)

    @staticmethod
    def _lerp(
        running: list[Tensor], of_groups: Sequence[Tensor], numbers: list[int], momentum: float
    ) -> None:
        now = [
            part.to(own.dtype)
            for own, part in zip(
                running,
                [
                    part
                    for values, number in zip(of_groups, numbers, strict=True)
                    for part in values.detach().view(number, -1).unbind()
                ],
                strict=True,
            )
        ]
        torch._foreach_lerp_(running, now, momentum)


class _Stacked(torch.autograd.Function):
    """Kernels (C, ...) one after another: (n * C, ...). Views of the gradient go back."""

    @staticmethod
    def forward(ctx: Any, *kernels: Tensor) -> Tensor:
        ctx.sizes = [len(kernel) for kernel in kernels]
        # `out`, because cat would keep the strides of channels_last, and they choose the kernel.
        made = kernels[0].new_empty((sum(ctx.sizes), *kernels[0].shape[1:]))
        return torch.cat(kernels, out=made)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, ...]:
        return gradient.split(ctx.sizes)


def _stacked(
    edges: Sequence[Mapping[str, Any]], names: Sequence[tuple[str, str]]
) -> list[list[Tensor]]:
    """[name][group]: the kernels of an operation's layer of all edges that leave a group."""
    rows = [[getattr(edges[e][op], layer).weight for e in IN_ORDER] for op, layer in names]
    channels = len(rows[0][0])
    sizes = [channels * count for count in LEAVING] * len(names)
    parts = _Stacked.apply(*(kernel for row in rows for kernel in row)).split(sizes)
    groups = len(GROUPS)
    return [list(parts[start : start + groups]) for start in range(0, len(parts), groups)]


@dataclass
class Kernels:
    """The kernels of a cell, [group] each; a depthwise one (E * C, 1, k, k), a pointwise one
    (E * C, C, 1, 1)."""

    depthwise: dict[tuple[str, str], list[Tensor]] = field(default_factory=dict)
    pointwise: dict[tuple[str, str], list[Tensor]] = field(default_factory=dict)

    @classmethod
    def of(cls, edges: Sequence[Mapping[str, Any]]) -> Kernels:
        made = cls()
        for kernel in ("3x3", "5x5"):
            sep, dil = f"sep_conv_{kernel}", f"dil_conv_{kernel}"
            names = [(sep, "depthwise1"), (dil, "depthwise"), (sep, "depthwise2")]
            made.depthwise |= dict(zip(names, _stacked(edges, names), strict=True))
        names = [
            (op, layer)
            for op, layers in (
                ("sep_conv_3x3", ("pointwise1", "pointwise2")),
                ("sep_conv_5x5", ("pointwise1", "pointwise2")),
                ("dil_conv_3x3", ("pointwise",)),
                ("dil_conv_5x5", ("pointwise",)),
            )
            for layer in layers
        ]
        made.pointwise = dict(zip(names, _stacked(edges, names), strict=True))
        return made


class MixingWeights:
    """The mixing weights of one kind of cell, edges in the order of IN_ORDER."""

    def __init__(self, mixing: Tensor) -> None:
        rows = mixing.unbind()
        self._sorted = torch.stack([rows[edge] for edge in IN_ORDER])  # (14, 8)
        self._repeated: dict[int, list[list[Tensor]]] = {}
        mixed = self._sorted[:, MAX : SKIP + 1].split(LEAVING)
        # [group] (S, E, 3): of S states with E edges each
        self.mixed = [
            weights.unflatten(0, (len(group), -1))
            for weights, group in zip(mixed, GROUPS, strict=True)
        ]

    def of(self, channels: int) -> list[list[Tensor]]:
        """[operation][group] (E * C,): the weight of each edge repeated C times."""
        if channels not in self._repeated:
            wide = self._sorted.t().unsqueeze(-1).expand(-1, -1, channels)
            rows = wide.reshape(len(CELL_OPERATIONS), EDGES * channels).unbind()
            sizes = [channels * count for count in LEAVING]
            self._repeated[channels] = [list(row.split(sizes)) for row in rows]
        return self._repeated[channels]


def forward_together(
    cell: Any, older: Tensor, newer: Tensor, mixing: MixingWeights, statistics: Statistics
) -> Tensor:
    """What `cell(older, newer, ...)` computes in training mode: (B, 4C, H, W)."""
    kernels, widths = Kernels.of(cell.edges), mixing.of(cell.channels)
    arriving: list[list[Tensor]] = [[] for _ in range(NODES)]
    outputs: list[Tensor] = []
    x = torch.cat([cell.preprocess0(older), cell.preprocess1(newer)], dim=1)
    for number, edges in enumerate(OF_GROUP):
        leaving = _Leaving(cell, number, x, kernels, [w[number] for w in widths], statistics)
        made = leaving.sum(mixing.mixed[number]).chunk(len(edges), dim=1)
        for (node, _), part in zip(edges, made, strict=True):
            arriving[node].append(part)
        x = _add(arriving[number])  # the node that all states so far lead to, and no later one
        outputs.append(x)
    return torch.cat(outputs, dim=1)


class _Leaving:
    """Everything that leaves the S states of a group, x (B, S * C, H, W)."""

    def __init__(
        self,
        cell: Any,
        number: int,
        x: Tensor,
        kernels: Kernels,
        weights: Sequence[Tensor],
        statistics: Statistics,
    ) -> None:
        self.sources = [cell.sources[state] for state in GROUPS[number]]
        self.edges = [cell.edges[edge_index(*edge)] for edge in OF_GROUP[number]]
        self.x, self.number = x, number
        self.kernels, self.weights, self.statistics = kernels, weights, statistics
        self.stride = self.sources[0].stride
        self.rectified = F.relu(x)

    def sum(self, mixing: Tensor) -> Tensor:
        """(B, S * E * C, H', W'): for every edge the sum of its operations, weighted."""
        pools = [self._pool("max_pool"), self._pool("avg_pool")]
        repeated = self._repeated(self.rectified)
        scaled = [
            self._separable("sep_conv_3x3", repeated, self.weights[SEP3]),
            self._separable("sep_conv_5x5", repeated, self.weights[SEP5]),
            self._dilated("dil_conv_3x3", repeated, self.weights[DIL3]),
            self._dilated("dil_conv_5x5", repeated, self.weights[DIL5]),
        ]
        if self.stride == 2:
            scaled.append(self._skip(self.weights[SKIP]))
            return state_sum(mixing[..., :2], pools, scaled)
        return state_sum(mixing, [*pools, self.x], scaled)

    def _repeated(self, x: Tensor) -> Tensor:
        """(B, S * C, H, W) -> (B, S * E * C, H, W): every state as often as edges leave it."""
        states = len(self.sources)
        each = x.unflatten(1, (states, 1, -1))
        return each.expand(-1, -1, len(self.edges) // states, -1, -1, -1).flatten(1, 3)

    def _pool(self, name: str) -> Tensor:
        pools = [getattr(source, name) for source in self.sources]
        return self.statistics.norm(pools[0].pooled(self.x), [pool.norm for pool in pools])

    def _separable(self, name: str, repeated: Tensor, weight: Tensor) -> Tensor:
        modules: list[SepConv] = [edge[name] for edge in self.edges]
        x = self._depthwise(name, "depthwise1", repeated, self.stride, 1)
        x = self._pointwise(name, "pointwise1", x)
        x = F.relu(self.statistics.norm(x, [m.norm1 for m in modules]), inplace=True)
        x = self._pointwise(name, "pointwise2", self._depthwise(name, "depthwise2", x, 1, 1))
        return self.statistics.norm(x, [m.norm2 for m in modules], weight)

    def _dilated(self, name: str, repeated: Tensor, weight: Tensor) -> Tensor:
        modules: list[DilConv] = [edge[name] for edge in self.edges]
        x = self._depthwise(name, "depthwise", repeated, self.stride, 2)
        x = self._pointwise(name, "pointwise", x)
        return self.statistics.norm(x, [m.norm for m in modules], weight)

    def _skip(self, weight: Tensor) -> Tensor:
        """The factorised reductions of stride 2; their convolutions have one input for all edges of
        a state."""
        modules: list[FactorizedReduce] = [edge["skip_connect"] for edge in self.edges]
        grids = subgrids.even(self.rectified), subgrids.odd(self.rectified)
        halves = [
            F.conv2d(
                grid,
                _Stacked.apply(*(getattr(m, conv).weight for m in modules)),
                groups=len(self.sources),
            )
            for grid, conv in zip(grids, ("conv1", "conv2"), strict=True)
        ]
        # (B, E, C / 2, h, w) twice -> (B, E * C, h, w)
        halves = [half.unflatten(1, (len(modules), -1)) for half in halves]
        x = torch.cat(halves, dim=2).flatten(1, 2)
        return self.statistics.norm(x, [m.norm for m in modules], weight)

    def _depthwise(self, name: str, layer: str, x: Tensor, stride: int, dilation: int) -> Tensor:
        kernel = self.kernels.depthwise[name, layer][self.number]
        padding = dilation * (kernel.shape[-1] // 2)
        return F.conv2d(x, kernel, None, stride, padding, dilation, len(kernel))

    def _pointwise(self, name: str, layer: str, x: Tensor) -> Tensor:
        return grouped_pointwise(x, self.kernels.pointwise[name, layer][self.number])


def grouped_pointwise(x: Tensor, kernel: Tensor) -> Tensor:
    """(B, E * C, H, W) and E kernels (C, C, 1, 1) one after another: (B, E * C, H, W)."""
    return F.conv2d(x, kernel, groups=len(kernel) // kernel.shape[1])


def _add(maps: Sequence[Tensor]) -> Tensor:
    total = maps[0] + maps[1]
    for given in maps[2:]:
        total = total + given
    return total
