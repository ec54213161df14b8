"""Images for tests of views."""

from __future__ import annotations

import torch

from nassl.settings import Views

ZERO, ONE = torch.zeros(3), torch.ones(3)


SIMCLR = Views(
    crop="resized",
    crop_scale=[0.2, 1.0],
    crop_ratio=[3 / 4, 4 / 3],
    flip=0.5,
    jitter=0.8,
    brightness=0.4,
    contrast=0.4,
    saturation=0.4,
    hue=0.1,
    grayscale=0.2,
    blur=0.5,
    blur_sigma=[0.1, 2.0],
)


def doubles(*shape):
    return torch.rand(*shape, dtype=torch.float64)


def uint8(count, side):
    return torch.randint(0, 256, (count, 3, side, side), dtype=torch.uint8)


def smooth(side):
    """One image with structure, (1, 3, side, side) uint8."""
    small = torch.rand(1, 3, 4, 4, generator=torch.Generator().manual_seed(3))
    large = torch.nn.functional.interpolate(small, side, mode="bilinear", align_corners=False)
    return (large * 255).round().to(torch.uint8)
