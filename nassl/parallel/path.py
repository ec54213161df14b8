"""Which of two ways to the same function is taken: the one for CPUs or the one for GPUs.

A CPU leaves out what is not needed (it looks which images are blurred). A GPU must not be waited
for: it computes everything and keeps what is needed, and does what belongs together in one kernel.
"""

from __future__ import annotations

import torch

forced = False  # tests only: the way of a GPU on every device


def as_on_gpu(x: torch.Tensor) -> bool:
    """Whether `x` is computed with as a GPU does."""
    return forced or x.is_cuda
