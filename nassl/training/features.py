"""Features of a network in eval mode: no gradient, batch norm with its running statistics."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from nassl.data.batches import Batches
from nassl.data.images import Images


@torch.no_grad()
def extract(
    network: nn.Module,
    view: Callable[[Tensor], Tensor],
    images: Images,
    indices: np.ndarray,
    batch_size: int,
) -> Tensor:
    """Pooled features (N, D) of `images[indices]` in their order, on the CPU."""
    network.eval()
    device = next(network.parameters()).device
    batches = Batches(
        images, None, indices, batch_size, 0, drop_last=False, shuffle=False, device=device
    )
    return torch.cat([network(view(batch.images)).cpu() for _, batch in batches.epoch(0)])


def mean_norm(features: Tensor) -> float:
    """Mean Euclidean norm of features (N, D).

    A linear probe's learning rate only works on features of the scale that it was chosen on, which
    users of MoCo's rate of 30 met as accuracies of 12 %.
    """
    return features.double().norm(dim=1).mean().item()
