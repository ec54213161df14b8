"""Batch norm over the images of all processes (SyncBN), on any device.

torch.nn.SyncBatchNorm refuses CPUs, and takes no `scale` as the cell space's batch norm does.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from nassl.parallel.processes import world_size


class SynchronisedBatchNorm(nn.BatchNorm2d):
    """In training mode: mean and variance over all processes, which have equally many images."""

    running_mean: Tensor
    running_var: Tensor
    num_batches_tracked: Tensor
    momentum: float

    def forward(self, x: Tensor, scale: Tensor | None = None) -> Tensor:
        weight = self.weight if scale is None else scale
        if not self.training:
            return nn.functional.batch_norm(
                x, self.running_mean, self.running_var, weight, self.bias, False, 0.0, self.eps
            )
        count = world_size() * x.numel() // x.shape[1]
        wide = x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
        mean = _sum_over_processes(wide.sum(dim=(0, 2, 3))) / count
        centred = wide - mean[None, :, None, None]
        variance = _sum_over_processes(centred.square().sum(dim=(0, 2, 3))) / count
        with torch.no_grad():
            self.num_batches_tracked.add_(1)
            self.running_mean.lerp_(mean.detach(), self.momentum)
            self.running_var.lerp_(variance.detach() * count / (count - 1), self.momentum)
        factor = (variance + self.eps).rsqrt()
        if weight is not None:
            factor = factor * weight
        y = centred * factor[None, :, None, None]
        return (y if self.bias is None else y + self.bias[None, :, None, None]).to(x.dtype)


def synchronise(*modules: nn.Module) -> None:
    """Makes every nn.BatchNorm2d in `modules` a synchronised one, in place: parameters, buffers and
    state dict stay. One process is left as it is."""
    if world_size() == 1:
        return
    for module in modules:
        for norm in module.modules():
            if isinstance(norm, nn.BatchNorm2d):
                norm.__class__ = SynchronisedBatchNorm


class _Sum(torch.autograd.Function):
    """The sum over processes; the gradient of each is the sum of the gradients in all."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        total = x.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        total = gradient.contiguous().clone()
        dist.all_reduce(total)
        return total


def _sum_over_processes(x: Tensor) -> Tensor:
    return _Sum.apply(x)
