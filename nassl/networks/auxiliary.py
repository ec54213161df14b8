"""The auxiliary classifier at 2/3 of the depth (SSNAS sec. 4.1, as DARTS retrains)."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

# Stride of the 5x5 average pooling, and the sides for which it leaves 2x2, as DARTS has it.
POOLING = {"cifar": (3, range(8, 11)), "imagenet": (2, range(7, 9))}


class AuxiliaryHead(nn.Module):
    """ReLU, pooling to 2x2, 1x1 convolution to 128, 2x2 convolution to 768, linear classifier.

    `shape` is (C, h, w) of the map, `stem` that of the network. DARTS' pooling presumes 8x8 (CIFAR)
    and 7x7 (ImageNet); a map of another size is averaged to 2x2 adaptively.
    """

    def __init__(self, shape: tuple[int, int, int], classes: int, stem: str = "cifar") -> None:
        super().__init__()
        channels, height, width = shape
        stride, sides = POOLING[stem]
        self.stride = stride if height in sides and width in sides else 0
        self.features = nn.Sequential(
            nn.Conv2d(channels, 128, 1, bias=False),
            nn.BatchNorm2d(128),
            nn.ReLU(inplace=True),
            nn.Conv2d(128, 768, 2, bias=False),
            # DARTS' ImageNet head has no second batch norm: "omitted due to a typo", and kept so.
            nn.BatchNorm2d(768) if stem == "cifar" else nn.Identity(),
            nn.ReLU(inplace=True),
        )
        self.classifier = nn.Linear(768, classes)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) -> logits (B, classes)."""
        x = F.relu(x)
        if self.stride:
            x = F.avg_pool2d(x, 5, self.stride, count_include_pad=False)
        else:
            x = F.adaptive_avg_pool2d(x, 2)
        return self.classifier(self.features(x).flatten(1))
