"""Dilated depthwise convolutions as plain ones on interleaved sub-grids.

A convolution of dilation 2 never mixes pixels of different parity. So at stride 1 it is four plain
convolutions, one on each of the four interleaved sub-grids of the image; at stride 2 only the
even-even sub-grid is touched. The sums are the same; oneDNN's backward pass of a dilated depthwise
convolution is about ten times slower than that of a plain one, so this is how it runs on CPUs.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from nassl.kernels.depthwise import depthwise
from nassl.networks.layout import layout


def split(x: Tensor) -> Tensor:
    """(B, C, H, W) -> (4B, C, ceil(H/2), ceil(W/2)), sub-grids one after the other along the batch;
    odd sides are first padded with a row or column of zeros."""
    batch, channels, height, width = x.shape
    if height % 2 or width % 2:
        x = F.pad(x, (0, width % 2, 0, height % 2))
    h, w = (height + 1) // 2, (width + 1) // 2
    # (B, C, h, 2, w, 2) -> (2, 2, B, h, w, C): one copy, channels innermost as channels_last is
    grids = x.view(batch, channels, h, 2, w, 2).permute(3, 5, 0, 2, 4, 1)
    return grids.reshape(4 * batch, h, w, channels).permute(0, 3, 1, 2)


def merge(grids: Tensor, height: int, width: int) -> Tensor:
    """Inverse of `split`: (4B, C, h, w) -> (B, C, height, width), padding cut off."""
    total, channels, h, w = grids.shape
    # (2, 2, B, h, w, C) -> (B, h, 2, w, 2, C)
    x = (
        grids.permute(0, 2, 3, 1)
        .reshape(2, 2, total // 4, h, w, channels)
        .permute(2, 3, 0, 4, 1, 5)
    )
    x = x.reshape(total // 4, 2 * h, 2 * w, channels).permute(0, 3, 1, 2)
    return x[:, :, :height, :width] if (2 * h, 2 * w) != (height, width) else x


def even(x: Tensor) -> Tensor:
    """The even-even sub-grid, (B, C, H, W) -> (B, C, ceil(H/2), ceil(W/2))."""
    return x[:, :, ::2, ::2].contiguous(memory_format=layout(x))


def odd(x: Tensor) -> Tensor:
    """The odd-odd sub-grid, of the same size: odd sides end in a row or column of zeros."""
    height, width = x.shape[2:]
    if height % 2 or width % 2:
        x = F.pad(x, (0, width % 2, 0, height % 2))
    return x[:, :, 1::2, 1::2].contiguous(memory_format=layout(x))


def dilated(x: Tensor, weight: Tensor, stride: int) -> Tensor:
    """Depthwise convolution of dilation 2 and padding k - 1: on a CPU by sub-grids, elsewhere by
    torch's own kernel (also on the meta device, where FLOPs are counted)."""
    if x.device.type != "cpu":
        padding = weight.shape[-1] - 1
        return F.conv2d(x, weight, None, stride, padding, 2, weight.shape[0])
    if stride == 2:
        return depthwise(even(x), weight)
    return merge(depthwise(split(x), weight), x.shape[2], x.shape[3])
