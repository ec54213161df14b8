"""Batch norm over the images of all processes (SyncBN), on any device.

torch.nn.SyncBatchNorm refuses CPUs, and takes no `scale` as the cell space's batch norm does.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from nassl.parallel.distributed import gather
from nassl.parallel.path import as_on_gpu
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
        if as_on_gpu(x):
            y, mean, inverse, count = batch_norm_of_all(x, weight, self.bias, self.eps)
            self._track(mean, inverse.square().reciprocal() - self.eps, count)
            return y
        count = world_size() * x.numel() // x.shape[1]
        wide = x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
        mean = _sum_over_processes(wide.sum(dim=(0, 2, 3))) / count
        centred = wide - mean[None, :, None, None]
        variance = _sum_over_processes(centred.square().sum(dim=(0, 2, 3))) / count
        self._track(mean.detach(), variance.detach(), count)
        factor = (variance + self.eps).rsqrt()
        if weight is not None:
            factor = factor * weight
        y = centred * factor[None, :, None, None]
        return (y if self.bias is None else y + self.bias[None, :, None, None]).to(x.dtype)

    @torch.no_grad()
    def _track(self, mean: Tensor, variance: Tensor, count: int) -> None:
        if self.track_running_stats:
            self.num_batches_tracked.add_(1)
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * count / (count - 1), self.momentum)


def batch_norm_of_all(
    x: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float
) -> tuple[Tensor, Tensor, Tensor, int]:
    """Batch norm of x (B, C, H, W) over the images of all processes, with one message in the
    forward pass and one in the backward pass, as torch's SyncBatchNorm for GPUs has it.

    Returns y, mean (C,), 1 / sqrt(variance + eps) (C,), and the number of pixels of all.
    """
    return *_Norm.apply(x, weight, bias, eps), world_size() * x.numel() // x.shape[1]


class _Norm(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float
    ) -> tuple[Tensor, Tensor, Tensor]:
        own = torch.stack(torch.var_mean(_wide(x), dim=(0, 2, 3), correction=0))
        variances, means = gather(own[None]).unbind(1)  # (world, C) each
        mean = means.mean(0)
        variance = variances.mean(0) + (means - mean).square().mean(0)
        inverse = (variance + eps).rsqrt()
        y = nn.functional.batch_norm(x, mean, variance, weight, bias, False, 0.0, eps)
        ctx.save_for_backward(x, weight, mean, inverse)
        ctx.mark_non_differentiable(mean, inverse)
        return y, mean, inverse

    @staticmethod
    def backward(ctx: Any, gradient: Tensor, *_: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, mean, inverse = ctx.saved_tensors
        wide = _wide(gradient)
        normed = (_wide(x) - _spread(mean)) * _spread(inverse)
        own = torch.stack([wide.sum((0, 2, 3)), (wide * normed).sum((0, 2, 3))])
        total = own.clone()
        if world_size() > 1:
            dist.all_reduce(total)
        total /= world_size() * x.numel() // x.shape[1]
        factor = inverse if weight is None else inverse * weight
        for_x = (wide - _spread(total[0]) - normed * _spread(total[1])) * _spread(factor)
        needed = ctx.needs_input_grad
        return (
            for_x.to(x.dtype) if needed[0] else None,
            own[1].to(weight.dtype) if needed[1] else None,
            own[0] if needed[2] else None,
            None,
        )


def _wide(x: Tensor) -> Tensor:
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x


def _spread(of_channels: Tensor) -> Tensor:
    return of_channels[None, :, None, None]


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
