"""Where a run computes, and what makes its bits repeatable there."""

from __future__ import annotations

import os

import torch

from nassl.files import InputError
from nassl.parallel.precision import forbid_tf32
from nassl.parallel.processes import rank, world_size
from stages.runs.lease import devices_here
from stages.runs.run import Run
from stages.training.machine import computes_on_gpu


def prepare_device(run: Run) -> torch.device:
    """The device of the run; fixes the number of threads and asks for deterministic kernels.

    A GPU is used if the plan gives the stage one (`resources.<stage>.gpus`) and there is one; a job
    that asked for none leaves it to others. The number of threads comes from the plan as well,
    because the order of summation, and with it the last bit, depends on it. Several processes share
    the threads, and each has the GPU of its number.

    Raises InputError if the machine has GPUs for the run and torch sees none: it would silently
    compute on the CPU, hundreds of times slower.
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
    forbid_tf32()
    return device
