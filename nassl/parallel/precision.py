"""Half precision where a recipe says so: for the products of a training step, nothing else."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch


def autocast(precision: str, device: torch.device) -> torch.autocast:
    """To be entered around a loss: convolutions and matrix products of the network in bfloat16.

    Weights, their gradients and the optimiser stay in float32, and so do the losses (their
    functions leave the region). bfloat16 has float32's range: no gradient needs to be scaled, which
    float16 would ask for. Evaluation is always in float32.
    """
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16")


def float32(x: torch.Tensor) -> AbstractContextManager[object]:
    """To be entered around the computation of a loss from `x` that has to be in float32."""
    if x.device.type == "meta":  # computes nothing
        return nullcontext()
    return torch.autocast(x.device.type, enabled=False)
