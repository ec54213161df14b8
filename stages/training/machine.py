"""What the bits of a run depend on besides its settings, inputs and code: where it computes."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

from nassl.parallel.processes import world_size
from stages.runs.run import Run

# Libraries whose version may change bits: the order of sums, the resampling of pixels.
LIBRARIES = ("torch", "torchvision", "numpy", "pillow", "pb1-detectron2", "detectron2")


def computes_on_gpu(run: Run) -> bool:
    """Whether the plan gives the stage a GPU (`resources.<stage>.gpus`) and torch sees one."""
    import torch

    return bool(run.resources.gpus) and torch.cuda.is_available()


def machine(run: Run) -> dict[str, str]:
    """Device, number of processes, compiled kernels and versions. Imports torch."""
    import torch

    from nassl.kernels import loader

    if computes_on_gpu(run):
        device = torch.cuda.get_device_name()
    else:  # MKL and oneDNN choose their kernels by it
        device = f"cpu ({torch.backends.cpu.get_cpu_capability()})"
    found = {
        "device": device,
        "processes": str(world_size()),
        "compiled kernels": "yes" if loader.available() else "no",
    }
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue  # an optional one
    return found
