"""Where a run computes, and what makes its bits repeatable there."""

from __future__ import annotations

import hashlib
import os

import torch

from stages.core.command import InputError
from stages.core.devices import devices_here
from stages.core.run import Run
from stages.core.training.machine import computes_on_gpu
from stages.core.training.processes import rank, world_size


def prepare_device(run: Run) -> torch.device:
    """The device of the run; fixes the number of threads and asks for deterministic kernels.

    A GPU is used if the plan gives the stage one (`resources.<stage>.gpus`) and there is one; a job
    that asked for none leaves it to others. The number of threads comes from the plan as well,
    because the order of summation, and with it the last bit, depends on it. Several processes share
    the threads, and each has the GPU of its number.

    Raises InputError if the machine has GPUs for the run and torch sees none: it would compute on
    the CPU, hundreds of times slower, without a word.
    """
    torch.set_num_threads(max(1, run.resources.threads // world_size()))
    # cuBLAS reads this when it starts; without it deterministic matrix products are refused.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    device = torch.device("cpu")
    if computes_on_gpu(run):
        device = torch.device("cuda", rank())
        torch.cuda.set_device(device)
    elif run.resources.gpus and (there := devices_here()):
        build = f"built for CUDA {torch.version.cuda}" if torch.version.cuda else "a CPU build"
        raise InputError(
            f"the plan gives {run.stage} {run.resources.gpus} GPUs and this run has "
            f"{', '.join(there)}, but torch {torch.__version__} ({build}) sees none; install a "
            "torch and a driver that fit each other (`nvidia-smi` names the driver), or set "
            f"resources.{run.stage}.gpus=0 in the plan to compute on the CPU"
        )
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
