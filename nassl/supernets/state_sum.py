"""The weighted sum of everything that leaves some states, for all their edges at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from nassl.parallel.precision import float32, products

HALVES = (torch.float16, torch.bfloat16)


class _StateSum(torch.autograd.Function):
    """weights (S, E, K), shared (B, S, K, P), scaled (B, S * E * C, H, W) with P = C * H * W.

    Weights and their gradients are float32 in every precision, and so are the products with them.
    """

    @staticmethod
    def forward(ctx: Any, weights: Tensor, shared: Tensor, *scaled: Tensor) -> Tensor:
        ctx.save_for_backward(weights, shared)
        ctx.rest = len(scaled)
        total = _wide(scaled[0]) + scaled[1]
        for given in scaled[2:]:
            total += given
        batch, pixels = len(shared), shared.shape[-1]
        with float32(shared), products("float32"):
            every = _of_every_image(weights.to(total.dtype), batch)
            edges = total.view(-1, weights.shape[1], pixels)  # (B * S, E, P)
            edges.baddbmm_(every, _wide(shared).flatten(0, 1))
        return total.to(scaled[0].dtype)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        weights, shared = ctx.saved_tensors
        count = weights.shape[1]
        edges = _wide(gradient.contiguous()).view(-1, count, shared.shape[-1])
        for_weights = for_shared = None
        with products("float32"):
            if ctx.needs_input_grad[0]:
                sums = edges @ _wide(shared).flatten(0, 1).mT  # (B * S, E, K)
                for_weights = sums.view(-1, *weights.shape).sum(0).to(weights.dtype)
            if ctx.needs_input_grad[1]:
                every = _of_every_image(weights.to(edges.dtype), len(shared))
                for_shared = (every.mT @ edges).view(shared.shape).to(shared.dtype)
        return (for_weights, for_shared, *((gradient,) * ctx.rest))


def _of_every_image(weights: Tensor, batch: int) -> Tensor:
    """(S, E, K) -> (B * S, E, K)."""
    return weights.expand(batch, -1, -1, -1).flatten(0, 1)


def _wide(x: Tensor) -> Tensor:
    return x.float() if x.dtype in HALVES else x


def state_sum(weights: Tensor, shared: Sequence[Tensor], scaled: Sequence[Tensor]) -> Tensor:
    """(B, S * E * C, H, W), edge by edge: the maps that the edges of a state share, weighted, and
    each edge's own.

    weights (S, E, K); K maps `shared` (B, S * C, H, W); at least two maps `scaled`
    (B, S * E * C, H, W).
    """
    batch, states = len(shared[0]), len(weights)
    together = torch.stack([given.reshape(batch, states, -1) for given in shared], dim=2)
    return _StateSum.apply(weights, together, *scaled)
