"""Memory layout of the networks with depthwise convolutions: channels_last on a CPU, not on a GPU.

For float32 that is not channels_last torch has depthwise kernels of its own; channels_last goes to
cuDNN's grouped convolutions (torch, use_cudnn_depthwise). `benchmarks/cuda.py` measures both.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Self

import torch
from torch import Tensor

from nassl.networks.network import FeatureNetwork


def layout(x: Tensor) -> torch.memory_format:
    """That of maps where x is."""
    return torch.contiguous_format if x.is_cuda else torch.channels_last


class DepthwiseNetwork(FeatureNetwork):
    """A network that lays its kernels out anew when it is moved to a GPU: the strides of a kernel
    choose the layout of a convolution's result."""

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        self._lay_out()
        return self

    @torch.no_grad()
    def _lay_out(self) -> None:
        for parameter in self.parameters():
            if parameter.is_cuda and parameter.dim() == 4:
                plain = torch.empty(parameter.shape, dtype=parameter.dtype, device=parameter.device)
                parameter.data = plain.copy_(parameter)
