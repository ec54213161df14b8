"""Section `network`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Network:
    """Size of the discrete network that is built from a genotype."""

    stem: str  # cifar | imagenet
    channels: int = 0  # cells: channels of the first cell; resnet: 64 unless given
    cells: int = 0  # cells only
