"""Drop path: an edge is left out for some images of a batch, and scaled up for the rest."""

from __future__ import annotations

import torch
from torch import Tensor


def drop_path(x: Tensor, probability: float | Tensor) -> Tensor:
    """x (B, C, H, W), 0 for an image with `probability`. A tensor () is read by the device alone: a
    recorded step then follows it from epoch to epoch."""
    keep = 1.0 - probability
    shape = (len(x), 1, 1, 1)
    if isinstance(keep, Tensor):
        kept = (torch.rand(shape, device=x.device) < keep).to(x.dtype)
        return x * (kept / keep.to(x.dtype))
    if keep == 1.0:
        return x
    kept = torch.empty(shape, dtype=x.dtype, device=x.device).bernoulli_(keep)
    return x * (kept / keep)
