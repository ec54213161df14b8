"""How many processes train together, and which one this is. Imports no torch, because a run that
trains nothing does not need it."""

from __future__ import annotations

import sys
from types import ModuleType


def world_size() -> int:
    """Number of processes of this training, 1 without a process group."""
    dist = _together()
    return dist.get_world_size() if dist else 1


def rank() -> int:
    """This process's number among them, from 0."""
    dist = _together()
    return dist.get_rank() if dist else 0


def barrier() -> None:
    """Waits for all processes."""
    if dist := _together():
        dist.barrier()


def _together() -> ModuleType | None:
    dist = sys.modules.get("torch.distributed")
    return dist if dist and dist.is_available() and dist.is_initialized() else None
