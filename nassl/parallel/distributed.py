"""Communication between the processes of one training (torch.distributed), one per device.

Without a process group every function returns its argument or changes nothing: a single process
needs no special case. Every process must call the collectives in the same order, with tensors of
the same shape: batches are of one size.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from nassl.parallel.processes import rank, world_size


@torch.no_grad()
def gather(x: Tensor) -> Tensor:
    """(B, ...) of every process by rank: (world * B, ...), without gradient."""
    if world_size() == 1:
        return x
    parts = [
        torch.empty_like(x, memory_format=torch.contiguous_format) for _ in range(world_size())
    ]
    dist.all_gather(parts, x.contiguous())
    return torch.cat(parts)


def gather_with_gradient(x: Tensor) -> Tensor:
    """`gather` with a gradient: the process that x came from gets the sum of the gradients of all.

    So with one loss of the gathered batch, computed in every process, parameters get `world` times
    its gradient from their own part of the batch; the mean over processes, which is what
    DistributedDataParallel takes, is the gradient of that loss.
    """
    return x if world_size() == 1 else _Gather.apply(x)


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return gather(x)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        total = gradient.contiguous().clone()
        dist.all_reduce(total)
        return own_part(total)


def own_part(x: Tensor) -> Tensor:
    """The rows of a gathered (world * B, ...) that belong to this process: (B, ...)."""
    return x.chunk(world_size())[rank()] if world_size() > 1 else x


def from_first(x: Tensor) -> Tensor:
    """The first process's x, in every process; the x of the others is overwritten."""
    if world_size() > 1:
        dist.broadcast(x, src=0)
    return x


@torch.no_grad()
def average(tensors: Iterable[Tensor | None]) -> None:
    """Replaces every tensor by its mean over processes, in one message per type. None (the gradient
    of an unused parameter) is skipped, and must be None in every process.

    One explicit call after the backward pass rather than DistributedDataParallel: gradients of
    alpha, of gates and of unrolled steps pass the same way, and parts of a supernet may go unused.
    """
    if world_size() == 1:
        return
    by_type: dict[torch.dtype, list[Tensor]] = {}
    for tensor in tensors:
        if tensor is not None:
            by_type.setdefault(tensor.dtype, []).append(tensor)
    for listed in by_type.values():
        message = torch.cat([tensor.reshape(-1) for tensor in listed])
        dist.all_reduce(message)
        message /= world_size()
        parts = message.split([tensor.numel() for tensor in listed])
        for tensor, part in zip(listed, parts, strict=True):
            tensor.copy_(part.view(tensor.shape))


def any_of(flag: bool, device: torch.device) -> bool:
    """Whether the flag is set in any process."""
    if world_size() == 1:
        return flag
    raised = torch.tensor(float(flag), device=device)
    dist.all_reduce(raised, op=dist.ReduceOp.MAX)
    return bool(raised.item())


def draw_apart() -> None:
    """From here on each process draws different random numbers, because it has different images.
    The first process, and so a single one, continues unchanged."""
    if rank():
        torch.manual_seed(torch.initial_seed() + rank())
