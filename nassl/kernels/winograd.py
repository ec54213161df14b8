"""3x3 convolutions with a quarter of the multiplications: Winograd's F(4x4, 3x3) on the CPU.

The arithmetic is in winograd.cpp, compiled into the user's cache when first needed. Without a
compiler, on other devices, and for shapes where it is no faster, torch's convolution is used.
"""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from nassl.kernels import loader

_P, _I, _N = ctypes.c_void_p, ctypes.c_int, ctypes.c_int64
CHANNELS = 32  # both numbers of channels are multiples of this
# Where it is faster (measured): enough tiles to repay transforming the kernels, and at most this
# share of the direct multiplications, since tiles that reach over the border waste some.
LEAST_TILES, MOST_MULTIPLICATIONS = 32, 0.5
TILES = {"convolve": 48, "weight_gradient": 128}  # worked on at a time: what the caches hold


_SOURCE = Path(__file__).with_suffix(".cpp")
KERNEL = loader.Kernel(
    "3x3 convolutions",
    _SOURCE,
    {
        "convolve": (_P, _P, _N, _N, _N, _N, _P, _N, _N, _N, _N, _N, _N, _I),
        "weight_gradient": (_P, _P, _N, _N, _N, _P, _N, _N, _N, _N, _N, _N, _I),
    },
    headers=(_SOURCE.with_name("winograd_transforms.h"),),
    result=_I,  # not 0: no memory
)


def _call(name: str, x: Tensor, *arguments: Tensor | int) -> None:
    if KERNEL.call(name, x.dtype, x, *arguments, TILES[name]):
        shapes = [tuple(given.shape) for given in (x, *arguments) if isinstance(given, Tensor)]
        raise MemoryError(f"no memory for a convolution of tensors {shapes}: lower the batch size")


def _convolve(x: Tensor, weight: Tensor, turned: bool) -> Tensor:
    """The convolution or, if `turned`, the gradient of its inputs from that of its outputs."""
    n, channels, height, width = x.shape
    x = x.contiguous(memory_format=torch.channels_last)
    if weight.stride(2) != 3 * weight.stride(3):
        weight = weight.contiguous()
    out, into, _, tap = weight.stride()
    if turned:
        out, into = into, out
    made = weight.shape[1 if turned else 0]
    y = torch.empty((n, made, height, width), dtype=x.dtype, memory_format=torch.channels_last)
    _call(
        "convolve", x, weight, out, into, tap, turned, y, n, height, width, channels, made,
    )  # fmt: skip
    return y


def _weight_gradient(x: Tensor, gradient: Tensor, weight: Tensor) -> Tensor:
    made = torch.empty_like(weight, memory_format=torch.channels_last)
    out, into, _, tap = made.stride()
    n, channels, height, width = x.shape
    x = x.contiguous(memory_format=torch.channels_last)
    gradient = gradient.contiguous(memory_format=torch.channels_last)
    _call(
        "weight_gradient", x, gradient, out, into, tap, made, n, height, width, channels,
        weight.shape[0],
    )  # fmt: skip
    return made


class Winograd(torch.autograd.Function):
    """x (N, C, H, W) and weight (K, C, 3, 3) -> (N, K, H, W), stride 1 and padding 1."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        return _convolve(x, weight, False)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None]:
        x, weight = ctx.saved_tensors
        if torch.is_grad_enabled():  # second derivatives are needed: torch's own
            sizes = [1, 1], [1, 1], [1, 1], False, [0, 0], 1
            return torch.ops.aten.convolution_backward(
                gradient, x, weight, None, *sizes, [*ctx.needs_input_grad, False]
            )[:2]
        return (
            _convolve(gradient, weight, True) if ctx.needs_input_grad[0] else None,
            _weight_gradient(x, gradient, weight) if ctx.needs_input_grad[1] else None,
        )


def _pays(x: Tensor, weight: Tensor) -> bool:
    """Whether the transforms of this batch and of its kernels cost less than they save."""
    n, _, height, width = x.shape
    tiles = -(-height // 4) * -(-width // 4)
    return 36 * tiles <= MOST_MULTIPLICATIONS * 9 * height * width and n * tiles >= LEAST_TILES


class WinogradConv2d(nn.Conv2d):
    """A Conv2d of 3x3, stride 1 and padding 1: its function and parameters, on the CPU faster."""

    def _conv_forward(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        if not (loader.computes(x, weight) and _pays(x, weight) and KERNEL.library() is not None):
            return super()._conv_forward(x, weight, bias)
        y = Winograd.apply(x, weight)
        return y if bias is None else y + bias.view(-1, 1, 1)


def use_winograd(network: nn.Module) -> None:
    """Replaces every convolution inside `network` that WinogradConv2d supports, keeping its
    parameters and its name."""
    for parent in network.modules():
        for name, conv in parent.named_children():
            if type(conv) is nn.Conv2d and _fits(conv):
                with torch.device("meta"):  # draws no random weights
                    made = WinogradConv2d(
                        conv.in_channels, conv.out_channels, 3, padding=1, bias=False
                    )
                made.weight, made.bias = conv.weight, conv.bias
                setattr(parent, name, made.train(conv.training))


def _fits(conv: nn.Conv2d) -> bool:
    geometry = conv.kernel_size, conv.stride, conv.padding, conv.dilation, conv.groups
    return (
        geometry == ((3, 3), (1, 1), (1, 1), (1, 1), 1)
        and conv.padding_mode == "zeros"
        and conv.in_channels % CHANNELS == 0
        and conv.out_channels % CHANNELS == 0
    )
