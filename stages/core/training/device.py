"""Where a run computes, and what makes its bits repeatable there."""

from __future__ import annotations

import hashlib
import os

import torch

from stages.core.run import Run
from stages.core.training.processes import rank, world_size


def prepare_device(run: Run) -> torch.device:
    """The device of the run; fixes the number of threads and asks for deterministic kernels.

    A GPU is used if the plan gives the stage one (`resources.<stage>.gpus`) and there is one; a job
    that asked for none leaves it to others. The number of threads comes from the plan as well,
    because the order of summation, and with it the last bit, depends on it. Several processes share
    the threads, and each has the GPU of its number.
    """
    torch.set_num_threads(max(1, run.resources.threads // world_size()))
    # cuBLAS reads this when it starts; without it deterministic matrix products are refused.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    device = torch.device("cpu")
    if run.resources.gpus and torch.cuda.is_available():
        device = torch.device("cuda", rank())
        torch.cuda.set_device(device)
    # On a CPU every operation used has a deterministic kernel; on a GPU one that lacks it warns.
    # (use_deterministic_algorithms does the same, but imports torch's compiler: a second.)
    torch.set_deterministic_debug_mode("warn" if device.type == "cuda" else "error")
    # Otherwise every torch.empty is filled with NaN first: a write of memory per allocation.
    torch.utils.deterministic.fill_uninitialized_memory = False
    torch.backends.cudnn.benchmark = False
    return device


def device_name(device: torch.device) -> str:
    """What cost.json states: `cpu` or the name of the GPU."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def seed_step(seed: int, epoch: int, step: int, stream: str = "weights") -> None:
    """Seeds torch's generators as a pure function of the place in the run.

    With this before every step a resumed run draws the same numbers without any saved generator.
    `stream` keeps apart what is drawn within one step for different purposes (`weights`, `beside`,
    `evaluation`, ...): the same stream seeded again draws the same views again.
    """
    place = f"{seed} {epoch} {step} {stream}".encode()
    torch.manual_seed(int.from_bytes(hashlib.blake2b(place, digest_size=8).digest(), "little") >> 1)
