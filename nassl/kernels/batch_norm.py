"""Batch norm that trains fast on CPUs too, optionally fused with the ReLU after it.

torch's own is slow for few channels. The arithmetic is in batch_norm.cpp; torch's own is used in
evaluation mode, without a compiler, and for shapes where the kernel is no faster.
"""

from __future__ import annotations

import ctypes
import math
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nassl.kernels import loader

# Vectors are processed four at a time. Where the number of channels does not (nearly) divide them,
# maps are read in too many pieces (measured).
LONGEST_PERIOD = 256

_P, _I, _N, _D = ctypes.c_void_p, ctypes.c_int, ctypes.c_int64, ctypes.c_double
KERNEL = loader.Kernel(
    "batch norms",
    Path(__file__).with_suffix(".cpp"),
    {
        "forward": (_P, _P, _P, _P, _P, _D, _D, _I, _P, _P, _P, _N, _N, _I),
        "backward": (_P, _P, _P, _P, _P, _P, _I, _P, _P, _P, _N, _N, _I),
    },
)


class BatchNorm(nn.BatchNorm2d):
    """nn.BatchNorm2d that takes `scale` (C,) instead of an affine weight, which it lacks."""

    running_mean: Tensor
    running_var: Tensor
    num_batches_tracked: Tensor
    momentum: float

    def __init__(self, channels: int, affine: bool) -> None:
        super().__init__(channels, affine=affine)

    def forward(self, x: Tensor, scale: Tensor | None = None) -> Tensor:
        weight = self.weight if scale is None else scale
        tracked = self.track_running_stats or not self.training
        if self.training:
            if tracked:
                self.num_batches_tracked.add_(1)
            if _pays(self, x, weight):
                return _BatchNorm.apply(x, weight, self.bias, self, False)
        running: tuple[Tensor | None, Tensor | None] = None, None
        if tracked:
            running = self.running_mean, self.running_var
        elif x.dtype.itemsize == 2 and not x.is_cuda:
            # With nothing in float32 a CPU would keep a batch's statistics in bfloat16.
            running = self.running_mean.clone(), self.running_var.clone()
        return F.batch_norm(x, *running, weight, self.bias, self.training, self.momentum, self.eps)


def rectified(norm: nn.BatchNorm2d, x: Tensor) -> Tensor:
    """relu(norm(x)) (B, C, H, W)."""
    # `synchronise` may have changed the class of the batch norm.
    if type(norm) is BatchNorm and norm.training and _pays(norm, x, norm.weight):
        if norm.track_running_stats:
            norm.num_batches_tracked.add_(1)
        return _BatchNorm.apply(x, norm.weight, norm.bias, norm, True)
    return F.relu(norm(x), inplace=True)


def _pays(norm: BatchNorm, x: Tensor, weight: Tensor | None) -> bool:
    channels = x.shape[1]
    lanes = 256 // x.element_size()  # four vectors of 64 bytes
    return (
        x.is_contiguous(memory_format=torch.channels_last)
        and x.numel() > channels  # else torch raises
        and math.lcm(channels, lanes) <= LONGEST_PERIOD
        and (weight is None or weight.is_contiguous())
        and KERNEL.computes(x, weight, norm.running_mean)
    )


def _call(name: str, x: Tensor, *arguments: Tensor | float | None) -> None:
    channels = x.shape[1]
    KERNEL.call(name, x.dtype, x, *arguments, x.numel() // channels, channels)


class _BatchNorm(torch.autograd.Function):
    """x (B, C, H, W), channels_last; weight and bias (C,) or None. Updates norm's running
    statistics, if it tracks them."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor | None,
        bias: Tensor | None,
        norm: BatchNorm,
        rectify: bool,
    ) -> Tensor:
        y = torch.empty_like(x)
        mean, inverse = torch.empty((2, x.shape[1]), dtype=torch.float64)
        tracked = norm.track_running_stats
        running = (norm.running_mean, norm.running_var) if tracked else (None, None)
        _call(
            "forward", x, weight, bias, *running, norm.momentum, norm.eps, rectify, y, mean,
            inverse,
        )  # fmt: skip
        ctx.save_for_backward(x, weight, bias, mean, inverse)
        ctx.epsilon, ctx.rectify = norm.eps, rectify
        return y

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, bias, mean, inverse = ctx.saved_tensors
        needed = ctx.needs_input_grad[:3]
        if torch.is_grad_enabled():  # second derivatives are needed: torch's own
            if ctx.rectify:
                y = F.batch_norm(x, None, None, weight, bias, True, 0.0, ctx.epsilon)
                gradient = gradient * (y > 0)
            statistics = mean.to(x.dtype), inverse.to(x.dtype)
            made = torch.ops.aten.native_batch_norm_backward(
                gradient, x, weight, None, None, *statistics, True, ctx.epsilon, needed
            )
            return *made, None, None
        gradient = gradient.contiguous(memory_format=torch.channels_last)
        for_x = torch.empty_like(x)
        for_weight = torch.empty_like(weight) if needed[1] else None
        for_bias = torch.empty_like(bias) if needed[2] else None
        _call(
            "backward", x, gradient, weight, bias, mean, inverse, ctx.rectify, for_x, for_weight,
            for_bias,
        )  # fmt: skip
        return for_x if needed[0] else None, for_weight, for_bias, None, None
