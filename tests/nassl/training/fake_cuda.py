"""Tensors that say that they are on a GPU, and compute nothing: an operation that mixes devices, or
that reads a value back, fails as it would there. Backward passes need a real one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode

CUDA = torch.device("cuda", 0)


@contextmanager
def fake_cuda() -> Iterator[FakeTensorMode]:
    """Also what is made on that device inside is such a tensor; what a module keeps on the host may
    be copied there."""
    with FakeTensorMode(allow_non_fake_inputs=True) as mode, torch.no_grad():
        yield mode


def as_fake(mode: FakeTensorMode, x: Tensor) -> Tensor:
    with torch.utils._python_dispatch._disable_current_modes():
        meta = torch.empty_strided(x.shape, x.stride(), dtype=x.dtype, device="meta")
    return FakeTensor(mode, meta, CUDA)


def move(mode: FakeTensorMode, *modules: nn.Module) -> None:
    """Parameters and buffers, in place."""
    for module in (m for each in modules for m in each.modules()):
        for name, parameter in module._parameters.items():
            if parameter is not None:
                made = nn.Parameter(as_fake(mode, parameter.data), parameter.requires_grad)
                module._parameters[name] = made
        for name, buffer in module._buffers.items():
            if buffer is not None:
                module._buffers[name] = as_fake(mode, buffer)
