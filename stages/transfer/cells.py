"""A network of cells as the C4 backbone of a detector: the papers have none.

It is cut where a residual network is cut: before the last halving of the resolution. The trunk ends
with the cell before the second reduction; that one and those after it are stage 5. A cell reads two
maps, so the trunk gives both, brought to one resolution by the first step of the reduction, and
regions are cut out of both at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Self

import torch
import torch.nn.functional as F
from detectron2.layers import ShapeSpec
from detectron2.modeling import Backbone
from torch import Tensor, nn

from nassl.kernels.batch_norm import BatchNorm
from nassl.networks.cell_frame import reductions
from nassl.networks.cell_network import CellNetwork
from nassl.networks.layout import DepthwiseNetwork, layout

SPACES = ("cell", "dense")  # whose networks these are
FEWEST = 2  # cells: a trunk and a stage 5
STRIDES = {"imagenet": 16, "cifar": 2}  # of the map that regions are cut from, by stem
PROPOSALS = "proposals"  # Detectron2's name of the map that proposals are made from
COARSEST = 4  # stride of that map at least: finer ones cost more than all of the network


def first_of_stage5(network: CellNetwork) -> int:
    """The cell that stage 5 begins with: the second reduction."""
    return reductions(len(network.cells))[1]


class _LaidOut(nn.Module):
    """A part of a network of cells, laid out on a GPU as the whole would be."""

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        super()._apply(fn, recurse)
        DepthwiseNetwork._lay_out(self)
        return self


class _Called(BatchNorm):
    """Not fused with the ReLU after it, which would pass it by (nassl/kernels/batch_norm.py):
    Detectron2's precise statistics see only batch norms that are called, and set those of others
    to 0."""


def _call_norms(part: nn.Module) -> None:
    for module in part.modules():
        if type(module) is BatchNorm:
            module.__class__ = _Called


class CellTrunk(_LaidOut, Backbone):
    """(B, 3, H, W) -> {feature: (B, C + D, H / s, W / s), "proposals": (B, D, H / t, W / t)} with
    t = max(s, 4): the older input of stage 5's first cell after that cell's first step, with C
    channels, and the newer one with D; the latter alone for proposals."""

    def __init__(self, network: CellNetwork, stride: int, feature: str) -> None:
        super().__init__()
        first = first_of_stage5(network)
        self.stem = network.stem
        self.cells = nn.ModuleList(network.cells[:first])
        self.preprocess0 = network.cells[first].preprocess0
        _call_norms(self)
        self.feature, self.stride = feature, stride
        self.channels = network.cells[first].channels, _newer_channels(network)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        older, newer = self.stem(x.contiguous(memory_format=layout(x)))
        for cell in self.cells:
            older, newer = newer, cell(older, newer, 0.0)
        both = torch.cat([self.preprocess0(older), newer], dim=1)
        if (times := COARSEST // self.stride) > 1:
            newer = F.avg_pool2d(newer, times, ceil_mode=True, count_include_pad=False)
        return {self.feature: both, PROPOSALS: newer}

    def output_shape(self) -> dict[str, ShapeSpec]:
        return {
            self.feature: ShapeSpec(channels=sum(self.channels), stride=self.stride),
            PROPOSALS: ShapeSpec(channels=self.channels[1], stride=max(self.stride, COARSEST)),
        }


class CellStage5(_LaidOut):
    """Regions (R, C + D, h, w) of both maps -> (R, feature_dim, h / 2, w / 2)."""

    def __init__(self, network: CellNetwork) -> None:
        super().__init__()
        first = first_of_stage5(network)
        self.channels = network.cells[first].channels, _newer_channels(network)
        self.cells = nn.ModuleList(network.cells[first:])
        self.cells[0].preprocess0 = nn.Identity()  # it is in the trunk
        _call_norms(self)

    def forward(self, x: Tensor) -> Tensor:
        older, newer = x.split(self.channels, dim=1)
        for cell in self.cells:
            older, newer = newer, cell(older, newer, 0.0)
        return newer


def _newer_channels(network: CellNetwork) -> int:
    return network.cells[first_of_stage5(network)].preprocess1.conv.in_channels


def detector_key(key: str, first: int) -> str:
    """Where the detector has the network's `key`, if stage 5 begins with cell number `first`."""
    head, _, rest = key.partition(".")
    if head != "cells":
        return f"backbone.{key}"
    number, _, rest = rest.partition(".")
    if int(number) < first:
        return f"backbone.{key}"
    if int(number) == first and rest.startswith("preprocess0."):
        return f"backbone.{rest}"
    return f"roi_heads.res5.layer4.cells.{int(number) - first}.{rest}"


@torch.no_grad()
def stages_of(network: CellNetwork, x: Tensor) -> list[Tensor]:
    """The maps of x (B, 3, H, W) that the trunk and stage 5 must give."""
    kept: dict[str, Tensor] = {}
    first = network.cells[first_of_stage5(network)]
    hooks = [
        first.register_forward_pre_hook(lambda _, given: kept.update(newer=given[1])),
        first.preprocess0.register_forward_hook(lambda _, __, found: kept.update(older=found)),
        network.cells[-1].register_forward_hook(lambda _, __, found: kept.update(last=found)),
    ]
    network(x)
    for hook in hooks:
        hook.remove()
    return [torch.cat([kept["older"], kept["newer"]], dim=1), kept["last"]]
