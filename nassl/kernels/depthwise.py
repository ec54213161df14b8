"""Depthwise convolutions whose backward pass is fast on CPUs too.

At stride 1 the gradients are computed by depthwise.cpp and, for few channels or pixels, the outputs
too; oneDNN is slower there.

Without a compiler oneDNN is used. It has a fast kernel for the weight gradient of a depthwise
convolution only up to three columns (any number of rows); beyond that it computes a dense 16 x 16
block per channel group, ten times slower. Then the five columns of a 5x5 kernel are found by two
such fast calls:

- columns 1, 2, 3 (offsets -1, 0, 1): the weight gradient of a 5x3 convolution;
- columns 0 and 4 (offsets -2, 2): the same on a view of both maps in which two neighbouring columns
  count as two channels of one column, so that two columns further is one column further.
"""

from __future__ import annotations

import ctypes
import math
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from nassl.kernels import loader

# Where the kernel is faster (measured): channels that hold a few whole vectors; for the outputs
# alone, fewer channels than a vector has, or so few numbers that calling oneDNN costs more.
LONGEST_PERIOD, FEW_CHANNELS, FEW_NUMBERS = 64, 16, 2**15
NARROWEST = 8  # columns; below, oneDNN's fast kernel does not take the paired view

_P, _I, _N = ctypes.c_void_p, ctypes.c_int, ctypes.c_int64
KERNEL = loader.Kernel(
    "depthwise convolutions",
    Path(__file__).with_suffix(".cpp"),
    {
        "convolve": (_P, _P, _I, _P, _N, _N, _N, _N, _I, _I),
        "weight_gradient": (_P, _P, _P, _N, _N, _N, _N, _I, _I),
    },
)


def depthwise(x: Tensor, weight: Tensor, stride: int = 1) -> Tensor:
    """x (B, C, H, W), weight (C, 1, k, k), k odd, padded by k // 2."""
    kernel = weight.shape[-1]
    if (
        stride == 1
        and kernel in (3, 5)
        and x.device.type == "cpu"
        and x.is_contiguous(memory_format=torch.channels_last)
    ):
        if _pays(x, weight):
            return _Compiled.apply(x, weight)
        width = x.shape[3]
        gradient = weight.requires_grad and torch.is_grad_enabled()
        if kernel == 5 and width % 2 == 0 and width >= NARROWEST and gradient:
            return _Depthwise5.apply(x, weight)
    return F.conv2d(x, weight, None, stride, kernel // 2, 1, weight.shape[0])


def _pays(x: Tensor, weight: Tensor) -> bool:
    lanes = 64 // x.element_size()
    return math.lcm(x.shape[1], lanes) <= LONGEST_PERIOD and KERNEL.computes(x, weight)


def _call(name: str, x: Tensor, weight: Tensor, *arguments: Tensor | int) -> None:
    batch, channels, height, width = x.shape
    sizes = batch, height, width, channels, weight.shape[-1]
    KERNEL.call(name, x.dtype, x, *arguments, *sizes)


def _convolve(x: Tensor, weight: Tensor, turned: bool) -> Tensor:
    """The convolution or, if `turned`, the gradient of its inputs from that of its outputs."""
    y = torch.empty_like(x)
    _call("convolve", x, weight, weight.contiguous(), turned, y)
    return y


class _Compiled(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        if weight.shape[0] < FEW_CHANNELS or x.numel() <= FEW_NUMBERS:
            return _convolve(x, weight, False)
        return F.conv2d(x, weight, None, 1, weight.shape[-1] // 2, 1, weight.shape[0])

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None]:
        x, weight = ctx.saved_tensors
        gradient = gradient.contiguous(memory_format=torch.channels_last)
        if torch.is_grad_enabled():  # second derivatives are needed: torch's own
            mask = *ctx.needs_input_grad, False
            padding = weight.shape[-1] // 2
            made = _convolution_backward(gradient, x, weight, (padding, padding), mask)
            return made[0], made[1]
        for_x = for_weight = None
        if ctx.needs_input_grad[0]:
            for_x = _convolve(gradient, weight, True)
        if ctx.needs_input_grad[1]:
            for_weight = torch.empty_like(weight, memory_format=torch.contiguous_format)
            _call("weight_gradient", x, weight, gradient, for_weight)
        return for_x, for_weight


class _Depthwise5(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        return F.conv2d(x, weight, padding=2, groups=weight.shape[0])

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None]:
        x, weight = ctx.saved_tensors
        gradient = gradient.contiguous(memory_format=torch.channels_last)
        for_x = for_weight = None
        if ctx.needs_input_grad[0]:
            mask = True, False, False
            for_x = _convolution_backward(gradient, x, weight, (2, 2), mask)[0]
        if ctx.needs_input_grad[1]:
            for_weight = _weight_gradient(gradient, x, weight)
        return for_x, for_weight


def _weight_gradient(gradient: Tensor, x: Tensor, weight: Tensor) -> Tensor:
    """(C, 1, 5, 5)"""
    channels = weight.shape[0]
    padding, mask = (2, 1), (False, True, False)
    inner = _convolution_backward(gradient, x, weight[..., 1:4], padding, mask)[1]
    shape = weight.new_empty(2 * channels, 1, 5, 3)
    outer = _convolution_backward(_paired(gradient), _paired(x), shape, padding, mask)[1]
    outer = outer.view(2, channels, 1, 5, 3).sum(dim=0)  # even and odd columns
    return torch.cat([outer[..., :1], inner, outer[..., 2:]], dim=-1)


def _paired(x: Tensor) -> Tensor:
    """(B, C, H, W) -> (B, 2C, H, W/2), a view: columns 2w and 2w + 1 are channels of column w."""
    batch, channels, height, width = x.shape
    x = x.permute(0, 2, 3, 1).reshape(batch, height, width // 2, 2 * channels)
    return x.permute(0, 3, 1, 2)


def _convolution_backward(
    gradient: Tensor,
    x: Tensor,
    weight: Tensor,
    padding: tuple[int, int],
    mask: tuple[bool, bool, bool],
) -> tuple[Tensor, ...]:
    channels = weight.shape[0]
    return torch.ops.aten.convolution_backward(
        gradient, x, weight, None, [1, 1], padding, [1, 1], False, [0, 0], channels, mask
    )
