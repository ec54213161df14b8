"""The operations of the cell space as modules (SSNAS sec. 4.1, as in DARTS).

An operation that begins with a ReLU takes the rectified input by `rectified(x)`, so that one ReLU
serves all operations on the same features, and the mixing weight of its last batch norm by `scale`:
scale * BN(x) is a batch norm whose affine weight is `scale`, which costs nothing extra and gets its
gradient from the batch norm's own backward pass.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nassl.kernels import batch_norm
from nassl.kernels.batch_norm import BatchNorm
from nassl.kernels.depthwise import depthwise
from nassl.networks import subgrids


class ReLUConvBN(nn.Module):
    """ReLU, 1x1 convolution, batch norm."""

    def __init__(self, in_channels: int, channels: int, affine: bool) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, channels, 1, bias=False)
        self.norm = BatchNorm(channels, affine)

    def forward(self, x: Tensor) -> Tensor:
        return self.rectified(F.relu(x))

    def rectified(self, x: Tensor, scale: Tensor | None = None) -> Tensor:
        return self.norm(self.conv(x), scale)


class FactorizedReduce(nn.Module):
    """Halves the sides without losing pixels: two 1x1 convolutions of stride 2, the second shifted
    by one pixel, each giving half of the channels; then batch norm.

    DARTS' code cannot do odd sides (the halves differ in size); here they are padded with zeros.
    """

    def __init__(self, in_channels: int, channels: int, affine: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, channels // 2, 1, stride=2, bias=False)
        self.conv2 = nn.Conv2d(in_channels, channels - channels // 2, 1, stride=2, bias=False)
        self.norm = BatchNorm(channels, affine)

    def forward(self, x: Tensor) -> Tensor:
        return self.rectified(F.relu(x))

    def rectified(self, x: Tensor, scale: Tensor | None = None) -> Tensor:
        return self.on_grids(subgrids.even(x), subgrids.odd(x), scale)

    def on_grids(self, even: Tensor, odd: Tensor, scale: Tensor | None = None) -> Tensor:
        """The same on the sub-grids that the two convolutions read."""
        halves = F.conv2d(even, self.conv1.weight), F.conv2d(odd, self.conv2.weight)
        return self.norm(torch.cat(halves, dim=1), scale)


class SepConv(nn.Module):
    """(ReLU, depthwise, pointwise, batch norm) twice; the stride is in the first."""

    def __init__(self, channels: int, kernel: int, stride: int, affine: bool) -> None:
        super().__init__()
        self.stride = stride
        padding = kernel // 2
        self.depthwise1 = nn.Conv2d(
            channels, channels, kernel, stride, padding, groups=channels, bias=False
        )
        self.pointwise1 = nn.Conv2d(channels, channels, 1, bias=False)
        self.norm1 = BatchNorm(channels, affine)
        self.depthwise2 = nn.Conv2d(
            channels, channels, kernel, 1, padding, groups=channels, bias=False
        )
        self.pointwise2 = nn.Conv2d(channels, channels, 1, bias=False)
        self.norm2 = BatchNorm(channels, affine)

    def forward(self, x: Tensor) -> Tensor:
        return self.rectified(F.relu(x))

    def rectified(self, x: Tensor, scale: Tensor | None = None) -> Tensor:
        x = self.pointwise1(depthwise(x, self.depthwise1.weight, self.stride))
        x = batch_norm.rectified(self.norm1, x)
        return self.norm2(self.pointwise2(depthwise(x, self.depthwise2.weight)), scale)


class DilConv(nn.Module):
    """ReLU, depthwise of dilation 2, pointwise, batch norm."""

    def __init__(self, channels: int, kernel: int, stride: int, affine: bool) -> None:
        super().__init__()
        self.stride = stride
        self.depthwise = nn.Conv2d(
            channels, channels, kernel, stride, kernel - 1, 2, groups=channels, bias=False
        )
        self.pointwise = nn.Conv2d(channels, channels, 1, bias=False)
        self.norm = BatchNorm(channels, affine)

    def forward(self, x: Tensor) -> Tensor:
        return self.rectified(F.relu(x))

    def rectified(self, x: Tensor, scale: Tensor | None = None) -> Tensor:
        x = subgrids.dilated(x, self.depthwise.weight, self.stride)
        return self.norm(self.pointwise(x), scale)

    def on_grids(self, grids: Tensor, scale: Tensor | None = None) -> Tensor:
        """The same on features that `subgrids.split` (stride 1) or `subgrids.even` (stride 2) has
        laid out; the result has the same layout. Sides must be even: padding would change the batch
        statistics."""
        x = depthwise(grids, self.depthwise.weight)
        return self.norm(self.pointwise(x), scale)


class Pool(nn.Module):
    """3x3 max or average pooling, then batch norm without affine, as in DARTS' supernet. DARTS'
    retraining network has no batch norm there (`without_pool_norm`)."""

    def __init__(self, kind: str, channels: int, stride: int) -> None:
        super().__init__()
        self.kind = kind  # max | avg
        self.stride = stride
        self.norm: nn.Module = BatchNorm(channels, affine=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.pooled(x))

    def pooled(self, x: Tensor) -> Tensor:
        """Without the batch norm."""
        if self.kind == "max":
            return F.max_pool2d(x, 3, self.stride, 1)
        return F.avg_pool2d(x, 3, self.stride, 1, count_include_pad=False)


def _skip(channels: int, stride: int, affine: bool) -> nn.Module:
    return nn.Identity() if stride == 1 else FactorizedReduce(channels, channels, affine)


def without_pool_norm(operation: nn.Module) -> nn.Module:
    """`operation` as a discrete network has it: a pool loses its batch norm."""
    if isinstance(operation, Pool):
        operation.norm = nn.Identity()
    return operation


# name -> builder(channels, stride, affine), as in a supernet; `none` has no module.
OPERATIONS: dict[str, Callable[[int, int, bool], nn.Module]] = {
    "max_pool_3x3": lambda channels, stride, affine: Pool("max", channels, stride),
    "avg_pool_3x3": lambda channels, stride, affine: Pool("avg", channels, stride),
    "skip_connect": _skip,
    "sep_conv_3x3": lambda channels, stride, affine: SepConv(channels, 3, stride, affine),
    "sep_conv_5x5": lambda channels, stride, affine: SepConv(channels, 5, stride, affine),
    "dil_conv_3x3": lambda channels, stride, affine: DilConv(channels, 3, stride, affine),
    "dil_conv_5x5": lambda channels, stride, affine: DilConv(channels, 5, stride, affine),
}
