"""What passes between the processes of one training (torch.distributed), one process per device.

Without a process group everything here is the identity: one process is a first-class setting.
Every process must call the collectives in the same order, with tensors of the same shape: batches
are of one size.
"""

from __future__ import annotations

import torch
import torch.distributed as dist
from torch import Tensor


def world_size() -> int:
    """Number of processes of this training, 1 without a process group."""
    return dist.get_world_size() if _together() else 1


def rank() -> int:
    """This process's number among them, from 0."""
    return dist.get_rank() if _together() else 0


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
    """`gather`, whose gradient comes back to the process that x came from: summed over what all
    processes made of it.

    So with one loss of the gathered batch, computed in every process, parameters get `world` times
    its gradient from their own part of the batch; the mean over processes, which is what
    DistributedDataParallel takes, is the gradient of that loss.
    """
    if world_size() == 1:
        return x
    from torch.distributed.nn.functional import all_gather  # imports more than a job alone needs

    return torch.cat(all_gather(x))


def own_part(x: Tensor) -> Tensor:
    """The rows of a gathered (world * B, ...) that belong to this process: (B, ...)."""
    return x.chunk(world_size())[rank()] if world_size() > 1 else x


def from_first(x: Tensor) -> Tensor:
    """x of the first process, in all of them; x itself is overwritten elsewhere."""
    if world_size() > 1:
        dist.broadcast(x, src=0)
    return x


def _together() -> bool:
    return dist.is_available() and dist.is_initialized()
