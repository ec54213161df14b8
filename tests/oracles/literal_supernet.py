"""The supernet written literally: every edge is its own mixed operation, every operation its own
modules, NCHW, plain sums. The reference for tests and benchmarks; deliberately slow and obvious.

Formulation of DARTS (Liu et al., 2019; SSNAS sec. 4.1): o(x) = sum_k softmax(alpha)_k * o_k(x).
"""

from __future__ import annotations

import re

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nassl.networks.cell_frame import reductions
from nassl.networks.stem import build_stem
from nassl.settings import CellSpace
from nassl.supernets.cell import Supernet

POOLS = {"max_pool_3x3": "max_pool", "avg_pool_3x3": "avg_pool"}


class Zero(nn.Module):
    def __init__(self, stride: int) -> None:
        super().__init__()
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        return x[:, :, :: self.stride, :: self.stride].mul(0.0)


class FactorizedReduce(nn.Module):
    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__()
        self.relu = nn.ReLU()
        self.conv1 = nn.Conv2d(in_channels, channels // 2, 1, stride=2, bias=False)
        self.conv2 = nn.Conv2d(in_channels, channels - channels // 2, 1, stride=2, bias=False)
        self.norm = nn.BatchNorm2d(channels, affine=False)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(x)
        # DARTS' code presumes even sides; odd ones get a row and a column of zeros.
        x = F.pad(x, (0, x.shape[3] % 2, 0, x.shape[2] % 2))
        return self.norm(torch.cat([self.conv1(x), self.conv2(x[:, :, 1:, 1:])], dim=1))


def relu_conv_norm(in_channels: int, channels: int) -> nn.Sequential:
    return nn.Sequential(
        nn.ReLU(),
        nn.Conv2d(in_channels, channels, 1, bias=False),
        nn.BatchNorm2d(channels, affine=False),
    )


def depthwise_separable(channels: int, kernel: int, stride: int, dilation: int) -> list[nn.Module]:
    padding = dilation * (kernel // 2)
    return [
        nn.ReLU(),
        nn.Conv2d(
            channels, channels, kernel, stride, padding, dilation, groups=channels, bias=False
        ),
        nn.Conv2d(channels, channels, 1, bias=False),
        nn.BatchNorm2d(channels, affine=False),
    ]


def sep_conv(channels: int, kernel: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        *depthwise_separable(channels, kernel, stride, 1),
        *depthwise_separable(channels, kernel, 1, 1),
    )


def dil_conv(channels: int, kernel: int, stride: int) -> nn.Sequential:
    return nn.Sequential(*depthwise_separable(channels, kernel, stride, 2))


def pool(kind: str, channels: int, stride: int) -> nn.Sequential:
    layer = (
        nn.MaxPool2d(3, stride, 1)
        if kind == "max"
        else nn.AvgPool2d(3, stride, 1, count_include_pad=False)
    )
    return nn.Sequential(layer, nn.BatchNorm2d(channels, affine=False))


class MixedOperation(nn.Module):
    def __init__(self, channels: int, stride: int) -> None:
        super().__init__()
        self.operations = nn.ModuleDict(
            {
                "none": Zero(stride),
                "max_pool_3x3": pool("max", channels, stride),
                "avg_pool_3x3": pool("avg", channels, stride),
                "skip_connect": nn.Identity()
                if stride == 1
                else FactorizedReduce(channels, channels),
                "sep_conv_3x3": sep_conv(channels, 3, stride),
                "sep_conv_5x5": sep_conv(channels, 5, stride),
                "dil_conv_3x3": dil_conv(channels, 3, stride),
                "dil_conv_5x5": dil_conv(channels, 5, stride),
            }
        )

    def forward(self, x: Tensor, weights: Tensor) -> Tensor:
        return sum(w * op(x) for w, op in zip(weights, self.operations.values(), strict=True))


class LiteralCell(nn.Module):
    def __init__(self, older, newer, channels, reduction, older_reduced) -> None:
        super().__init__()
        self.reduction = reduction
        self.preprocess0 = (FactorizedReduce if older_reduced else relu_conv_norm)(older, channels)
        self.preprocess1 = relu_conv_norm(newer, channels)
        self.edges = nn.ModuleList(
            MixedOperation(channels, 2 if reduction and state < 2 else 1)
            for node in range(4)
            for state in range(2 + node)
        )

    def forward(self, older: Tensor, newer: Tensor, weights: Tensor) -> Tensor:
        states = [self.preprocess0(older), self.preprocess1(newer)]
        offset = 0
        for _ in range(4):
            new = sum(self.edges[offset + j](x, weights[offset + j]) for j, x in enumerate(states))
            offset += len(states)
            states.append(new)
        return torch.cat(states[2:], dim=1)


class LiteralSupernet(nn.Module):
    """Same arguments, same function as `Supernet`."""

    def __init__(self, space: CellSpace, in_channels: int = 3) -> None:
        super().__init__()
        channels = space.channels
        self.stem = build_stem(space.stem, in_channels, channels)
        older = newer = self.stem.out_channels
        older_reduced = self.stem.first_reduces
        self.cells = nn.ModuleList()
        for index in range(space.cells):
            reduction = index in reductions(space.cells)
            channels *= 2 if reduction else 1
            self.cells.append(LiteralCell(older, newer, channels, reduction, older_reduced))
            older, newer, older_reduced = newer, 4 * channels, reduction
        self.feature_dim = newer
        self.alpha_normal = nn.Parameter(1e-3 * torch.randn(14, 8))
        self.alpha_reduce = nn.Parameter(1e-3 * torch.randn(14, 8))

    def forward(self, x: Tensor, mixing: tuple[Tensor, Tensor] | None = None) -> Tensor:
        if mixing is None:
            mixing = F.softmax(self.alpha_normal, dim=-1), F.softmax(self.alpha_reduce, dim=-1)
        older, newer = self.stem(x)
        for cell in self.cells:
            older, newer = newer, cell(older, newer, mixing[cell.reduction])
        return F.adaptive_avg_pool2d(newer, 1).flatten(1)

    def architecture_parameters(self) -> list[nn.Parameter]:
        return [self.alpha_normal, self.alpha_reduce]

    def weight_parameters(self) -> list[nn.Parameter]:
        return [p for name, p in self.named_parameters() if not name.startswith("alpha")]


LAYERS = {  # operation -> {index in the literal sequence: name in the shipped module}
    "sep_conv": {
        "1": "depthwise1",
        "2": "pointwise1",
        "3": "norm1",
        "5": "depthwise2",
        "6": "pointwise2",
        "7": "norm2",
    },
    "dil_conv": {"1": "depthwise", "2": "pointwise", "3": "norm"},
}
EDGE = re.compile(r"(cells\.\d+)\.edges\.(\d+)\.operations\.(\w+)\.(.+)")
PREPROCESS = re.compile(r"(cells\.\d+\.preprocess[01])\.([12])\.(.+)")


def state_of(edge: int) -> int:
    """The state that edge 0-13 comes from."""
    return [state for node in range(4) for state in range(2 + node)][edge]


def shipped_name(name: str) -> str:
    """What a literal parameter or buffer is called in `Supernet`. The pools of all edges from one
    state have one batch norm there."""
    if match := EDGE.fullmatch(name):
        cell, edge, operation, rest = match.groups()
        if operation in POOLS:
            buffer = rest.removeprefix("1.")
            return f"{cell}.sources.{state_of(int(edge))}.{POOLS[operation]}.norm.{buffer}"
        if layers := LAYERS.get(operation[:8]):
            index, _, leaf = rest.partition(".")
            rest = f"{layers[index]}.{leaf}"
        return f"{cell}.edges.{edge}.{operation}.{rest}"
    if match := PREPROCESS.fullmatch(name):
        preprocess, index, leaf = match.groups()
        return f"{preprocess}.{'conv' if index == '1' else 'norm'}.{leaf}"
    return name


def literal_like(supernet: Supernet, space: CellSpace) -> LiteralSupernet:
    """A literal supernet with the weights, alphas, buffers, dtype and mode of `supernet`."""
    literal = LiteralSupernet(space).to(supernet.alpha_normal.dtype)
    shipped = supernet.state_dict()
    literal.load_state_dict({name: shipped[shipped_name(name)] for name in literal.state_dict()})
    return literal.train(supernet.training)
