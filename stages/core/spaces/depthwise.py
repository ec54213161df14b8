"""Depthwise convolutions whose backward pass is fast on CPUs too.

oneDNN has a fast kernel for the weight gradient of a depthwise convolution only up to kernels of
three columns (any number of rows); beyond that it computes a dense 16 x 16 block per channel group,
ten times slower. Here the five columns of a 5x5 kernel are found by two such fast calls:

- columns 1, 2, 3 (offsets -1, 0, 1): the weight gradient of a 5x3 convolution;
- columns 0 and 4 (offsets -2, 2): the same on a view of both maps in which two neighbouring columns
  count as two channels of one column, so that two columns further is one column further.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

NARROWEST = 8  # columns; below, oneDNN's fast kernel does not take the paired view


def depthwise(x: Tensor, weight: Tensor, stride: int = 1) -> Tensor:
    """x (B, C, H, W), weight (C, 1, k, k), k odd, padded by k // 2."""
    width = x.shape[3]
    slow = (
        weight.shape[-1] == 5
        and stride == 1
        and width % 2 == 0
        and width >= NARROWEST
        and x.device.type == "cpu"
        and x.is_contiguous(memory_format=torch.channels_last)
        and weight.requires_grad
        and torch.is_grad_enabled()
    )
    if slow:
        return _Depthwise5.apply(x, weight)
    return F.conv2d(x, weight, None, stride, weight.shape[-1] // 2, 1, weight.shape[0])


class _Depthwise5(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        return F.conv2d(x, weight, padding=2, groups=weight.shape[0])

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor | None, Tensor | None]:
        x, weight = ctx.saved_tensors
        gradient = gradient.contiguous(memory_format=torch.channels_last)
        for_x = for_weight = None
        if ctx.needs_input_grad[0]:
            for_x = _convolution_backward(gradient, x, weight, 2, (True, False, False))[0]
        if ctx.needs_input_grad[1]:
            for_weight = _weight_gradient(gradient, x, weight)
        return for_x, for_weight


def _weight_gradient(gradient: Tensor, x: Tensor, weight: Tensor) -> Tensor:
    """(C, 1, 5, 5)"""
    channels = weight.shape[0]
    mask = False, True, False
    inner = _convolution_backward(gradient, x, weight[..., 1:4], 1, mask)[1]
    shape = weight.new_empty(2 * channels, 1, 5, 3)
    outer = _convolution_backward(_paired(gradient), _paired(x), shape, 1, mask)[1]
    outer = outer.view(2, channels, 1, 5, 3).sum(dim=0)  # even and odd columns
    return torch.cat([outer[..., :1], inner, outer[..., 2:]], dim=-1)


def _paired(x: Tensor) -> Tensor:
    """(B, C, H, W) -> (B, 2C, H, W/2), a view: columns 2w and 2w + 1 are channels of column w."""
    batch, channels, height, width = x.shape
    x = x.permute(0, 2, 3, 1).reshape(batch, height, width // 2, 2 * channels)
    return x.permute(0, 3, 1, 2)


def _convolution_backward(
    gradient: Tensor, x: Tensor, weight: Tensor, padding: int, mask: tuple[bool, bool, bool]
) -> tuple[Tensor, ...]:
    """Of a depthwise convolution with five rows; `padding` is that of the columns."""
    channels = weight.shape[0]
    return torch.ops.aten.convolution_backward(
        gradient, x, weight, None, [1, 1], [2, padding], [1, 1], False, [0, 0], channels, mask
    )
