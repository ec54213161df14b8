"""Parameters and multiply-adds of a network: one counter for everything that is reported."""

from __future__ import annotations

import copy

import torch
from torch import nn
from torch.utils import flop_counter

from nassl.parallel.compiler import leave_out

leave_out(flop_counter._FlopCounterMode)


def parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def flops(module: nn.Module, image_size: int, in_channels: int = 3) -> int:
    """Multiply-adds of convolutions and linear layers for one image: what papers call FLOPs.

    Half of what torch's FlopCounterMode counts, on one blank image.
    """
    return flops_of_shadow(shadow(module), image_size, in_channels)


def shadow(module: nn.Module) -> nn.Module:
    """A copy of `module` in eval mode in the CPU's memory, to count with; of a module on the meta
    device, which has no values, one there."""
    made = copy.deepcopy(module).eval()
    return made if _device(module).type == "meta" else made.cpu()


def flops_of_shadow(shadow: nn.Module, image_size: int, in_channels: int = 3) -> int:
    """`flops` of the module that `shadow` was made of: for many counts of one supernet.

    Computes, where there are values: the meta device imports torch's compiler, for two seconds.
    """
    image = torch.zeros(1, in_channels, image_size, image_size, device=_device(shadow))
    with torch.no_grad(), flop_counter.FlopCounterMode(display=False) as counter:
        shadow(image)
    return counter.get_total_flops() // 2


def _device(module: nn.Module) -> torch.device:
    return next((p.device for p in module.parameters()), torch.device("cpu"))
