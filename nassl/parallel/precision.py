"""Precision of the products of a training step where a recipe says so; of nothing else.

float32   no tensor core rounds anything: the default
tf32      convolutions and matrix products on a GPU round their factors to 10 bits of mantissa
bfloat16  the same to 7 bits; what lies between products is kept in bfloat16 as well

torch would take TF32 for the convolutions of a GPU without being asked. Weights, their gradients,
mixing weights, the gradients of alpha, the optimiser, losses and evaluation are float32 in each.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch

PRECISIONS = ("float32", "tf32", "bfloat16")
# By `allow_tf32`, not by the newer `fp32_precision`: torch itself, in its exporter and in
# `cudnn.flags`, reads the former, and refuses to after the latter was set.
BACKENDS: tuple[Any, ...] = (torch.backends.cuda.matmul, torch.backends.cudnn)


def forbid_tf32() -> None:
    """From here on products are computed in float32 unless `products` says otherwise."""
    _set_tf32(False)


@contextmanager
def products(precision: str) -> Iterator[None]:
    """To be entered around a loss and its gradients: the backward pass rounds as the forward pass.

    Only a GPU has TF32; a CPU computes a recipe with tf32 in float32.
    """
    before = [backend.allow_tf32 for backend in BACKENDS]
    _set_tf32(precision == "tf32")
    try:
        yield
    finally:
        for backend, value in zip(BACKENDS, before, strict=True):
            backend.allow_tf32 = value


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


def _set_tf32(on: bool) -> None:
    for backend in BACKENDS:
        backend.allow_tf32 = on
