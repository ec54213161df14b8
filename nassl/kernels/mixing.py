"""Sums of many feature maps as one autograd function each: one output, no intermediate tensors.

Written with plain addition, a node of the supernet would make a temporary per operation and keep
every weighted map for the backward pass. On CPUs mixing.cpp walks over memory once for all maps,
where there is a compiler and all have the same memory layout.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from nassl.kernels import loader

_P, _I, _N = ctypes.c_void_p, ctypes.c_int, ctypes.c_int64
KERNEL = loader.Kernel(
    "weighted sums",
    Path(__file__).with_suffix(".cpp"),
    {
        "weighted_sum": (_P, _N, _P, _N, _P, _N, _I),
        "gradients": (_P, _N, _P, _P, _P, _P, _N, _I),
    },
)


def _pays(weights: Tensor, maps: Sequence[Tensor]) -> bool:
    return (
        all(given.is_contiguous(memory_format=torch.channels_last) for given in maps)
        and weights.is_contiguous()
        and KERNEL.computes(weights, *maps)
    )


def _call(name: str, maps: Sequence[Tensor], weights: Tensor, *arguments: object) -> None:
    pointers = _pointers(maps)
    KERNEL.call(name, weights.dtype, pointers, len(maps), weights, *arguments, maps[0].numel())


def _pointers(maps: Sequence[Tensor | None]) -> ctypes.Array[ctypes.c_void_p]:
    return (_P * len(maps))(*(None if given is None else given.data_ptr() for given in maps))


class _AddUp(torch.autograd.Function):
    """sum of tensors of one shape; the gradient goes to all of them as it is."""

    @staticmethod
    def forward(ctx: Any, *tensors: Tensor) -> Tensor:
        ctx.count = len(tensors)
        if len(tensors) == 1:
            return tensors[0].clone()
        none = tensors[0].new_empty(0)
        if _pays(none, tensors):
            total = torch.empty_like(tensors[0])
            _call("weighted_sum", tensors, none, 0, total)
            return total
        total = tensors[0] + tensors[1]
        for tensor in tensors[2:]:
            total += tensor
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, ...]:
        return (gradient,) * ctx.count


class _WeightedSum(torch.autograd.Function):
    """sum_k weights[k] * mixed[k] + sum of the rest."""

    @staticmethod
    def forward(ctx: Any, weights: Tensor, *tensors: Tensor) -> Tensor:
        count = weights.numel()
        ctx.save_for_backward(weights, *tensors[:count])
        ctx.rest = len(tensors) - count
        if _pays(weights, tensors):
            total = torch.empty_like(tensors[0])
            _call("weighted_sum", tensors, weights, count, total)
            return total
        values = weights.tolist() if weights.device.type == "cpu" else weights.unbind()
        total = tensors[0] * values[0]
        for value, tensor in zip(values[1:], tensors[1:count], strict=True):
            if isinstance(value, float):
                total.add_(tensor, alpha=value)
            else:
                total.addcmul_(tensor, value)
        for tensor in tensors[count:]:
            total += tensor
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        weights, *mixed = ctx.saved_tensors
        for_which = ctx.needs_input_grad[1 : 1 + len(mixed)]
        if not torch.is_grad_enabled() and _pays(weights, (gradient, *mixed)):
            for_weights = torch.empty_like(weights) if ctx.needs_input_grad[0] else None
            for_mixed = [
                torch.empty_like(tensor) if needed else None
                for tensor, needed in zip(mixed, for_which, strict=True)
            ]
            _call("gradients", mixed, weights, gradient, for_weights, _pointers(for_mixed))
            return (for_weights, *for_mixed, *((gradient,) * ctx.rest))
        for_weights = None
        if ctx.needs_input_grad[0]:
            wide = torch.promote_types(gradient.dtype, torch.float32)  # bfloat16 has 8 bits
            for_weights = torch.stack(
                [(gradient.to(wide) * tensor.to(wide)).sum() for tensor in mixed]
            )
        for_mixed = [
            gradient * weight if needed else None
            for weight, needed in zip(weights.unbind(), for_which, strict=True)
        ]
        return (for_weights, *for_mixed, *((gradient,) * ctx.rest))


def add_up(tensors: Sequence[Tensor]) -> Tensor:
    """Sum of tensors of one shape."""
    return _AddUp.apply(*tensors)


def weighted_sum(weights: Tensor, mixed: Sequence[Tensor], rest: Sequence[Tensor]) -> Tensor:
    """sum_k weights[k] * mixed[k] + sum of `rest`; weights (K,), all maps (B, C, H, W)."""
    return _WeightedSum.apply(weights, *mixed, *rest)
