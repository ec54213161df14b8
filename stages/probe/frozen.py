"""A frozen network: used for its features, and checked to stay the same bit for bit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn

from nassl.settings import Views
from nassl.training.weights import fingerprint


class FrozenNetwork:
    """uint8 (B, 3, H, W) -> features (B, D) of a view: eval mode, no gradient.

    Not a module: a training loop neither sees its parameters nor puts it into training mode.
    """

    def __init__(self, network: nn.Module, view: Callable[[Tensor], Tensor]) -> None:
        self.network, self.view = network.eval(), view

    @torch.no_grad()
    def __call__(self, images: Tensor) -> Tensor:
        return self.network(self.view(images))


class Features:
    """Features (N, D) in the place of images, so that a classifier is trained by the same loop."""

    decodes = False

    def __init__(self, values: Tensor) -> None:
        self.values = values

    def __len__(self) -> int:
        return len(self.values)

    def batch(self, indices: np.ndarray) -> Tensor:
        return self.values[torch.from_numpy(np.asarray(indices))]


def deterministic(views: Views) -> bool:
    """Whether a view of an image is the same every time, so that its features can be kept."""
    chances = (views.flip, views.jitter, views.grayscale, views.blur, views.cutout)
    return views.crop == "none" and not any(chances)


@contextmanager
def left_unchanged(network: nn.Module) -> Iterator[str]:
    """Gives the network's fingerprint; raises RuntimeError if weights or batch norm statistics have
    changed at the end by as much as a bit.

    Published linear accuracies were too high because the backbone was trained unnoticed
    (p3i0t/SimCLR-CIFAR10, issue 8).
    """
    before = fingerprint(network)
    yield before
    after = fingerprint(network)
    if after != before:
        raise RuntimeError(
            f"the frozen {type(network).__name__} changed during linear evaluation (sha256 "
            f"{before[:12]} before, {after[:12]} after): its accuracy would not be a linear one"
        )
