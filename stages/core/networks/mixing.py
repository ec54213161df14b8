"""Sums of many feature maps as one autograd function each: one output, no intermediate tensors.

Written with plain addition, a node of the supernet would make a temporary per operation and keep
every weighted map for the backward pass.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


class _AddUp(torch.autograd.Function):
    """sum of tensors of one shape; the gradient goes to all of them as it is."""

    @staticmethod
    def forward(ctx, *tensors: Tensor) -> Tensor:
        ctx.count = len(tensors)
        if len(tensors) == 1:
            return tensors[0].clone()
        total = tensors[0] + tensors[1]
        for tensor in tensors[2:]:
            total += tensor
        return total

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, ...]:
        return (gradient,) * ctx.count


class _WeightedSum(torch.autograd.Function):
    """sum_k weights[k] * mixed[k] + sum of the rest."""

    @staticmethod
    def forward(ctx, weights: Tensor, *tensors: Tensor) -> Tensor:
        count = weights.numel()
        ctx.save_for_backward(weights, *tensors[:count])
        ctx.rest = len(tensors) - count
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
    def backward(ctx, gradient: Tensor) -> tuple[Tensor | None, ...]:
        weights, *mixed = ctx.saved_tensors
        for_weights = None
        if ctx.needs_input_grad[0]:
            for_weights = torch.stack([(gradient * tensor).sum() for tensor in mixed])
        for_mixed = [
            gradient * weight if needed else None
            for weight, needed in zip(weights.unbind(), ctx.needs_input_grad[1:], strict=False)
        ]
        return (for_weights, *for_mixed, *((gradient,) * ctx.rest))


def add_up(tensors: Sequence[Tensor]) -> Tensor:
    """Sum of tensors of one shape."""
    return _AddUp.apply(*tensors)


def weighted_sum(weights: Tensor, mixed: Sequence[Tensor], rest: Sequence[Tensor]) -> Tensor:
    """sum_k weights[k] * mixed[k] + sum of `rest`; weights (K,), all maps (B, C, H, W)."""
    return _WeightedSum.apply(weights, *mixed, *rest)
