"""The weighted sum of everything that leaves a state, for all its edges at once."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

HALVES = (torch.float16, torch.bfloat16)


class _StateSum(torch.autograd.Function):
    """sum_k weights[:, k] * shared[k] + sum of `scaled`; weights (E, K), shared (B, C, H, W),
    scaled (B, E * C, H, W).

    Without a matrix product: weights and their gradients are float32 in every precision.
    """

    @staticmethod
    def forward(ctx, weights: Tensor, count: int, *maps: Tensor) -> Tensor:
        shared, scaled = maps[:count], maps[count:]
        ctx.save_for_backward(weights, *shared)
        ctx.rest = len(scaled)
        total = _wide(scaled[0]) + scaled[1]
        for given in scaled[2:]:
            total += given
        edges = total.unflatten(1, (len(weights), -1))  # (B, E, C, H, W)
        for given, column in zip(shared, weights.t().unbind(), strict=True):
            edges.addcmul_(_wide(given)[:, None], column.to(total.dtype).view(1, -1, 1, 1, 1))
        return total.to(scaled[0].dtype)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor | None, ...]:
        weights, *shared = ctx.saved_tensors
        edges = gradient.unflatten(1, (len(weights), -1))
        for_weights = None
        if ctx.needs_input_grad[0]:
            sums = [(_wide(edges) * given[:, None]).sum((0, 2, 3, 4)) for given in shared]
            for_weights = torch.stack(sums, dim=1).to(weights.dtype)
        for_shared = []
        for given, column, needed in zip(
            shared, weights.t().unbind(), ctx.needs_input_grad[2:], strict=False
        ):
            factor = column.view(1, -1, 1, 1, 1)
            made = (_wide(edges) * factor).sum(1).to(given.dtype) if needed else None
            for_shared.append(made)
        return (for_weights, None, *for_shared, *((gradient,) * ctx.rest))


def _wide(x: Tensor) -> Tensor:
    return x.float() if x.dtype in HALVES else x


def state_sum(weights: Tensor, shared: Sequence[Tensor], scaled: Sequence[Tensor]) -> Tensor:
    """(B, E * C, H, W): for every edge the maps that all edges share, weighted, and its own.

    weights (E, K); K maps `shared` (B, C, H, W); at least two maps `scaled` (B, E * C, H, W).
    """
    return _StateSum.apply(weights, len(shared), *shared, *scaled)
