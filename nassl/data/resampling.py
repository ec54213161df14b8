"""Crops, resizing, mirroring and blur of a batch, each image by what was drawn for it.

All are linear along each axis, so each is one small matrix per image and axis: a step is two
batched matrix products, whatever was drawn.
"""

from __future__ import annotations

import math

import torch

from nassl.settings import Views


def resample(
    x: torch.Tensor,
    top: torch.Tensor,
    left: torch.Tensor,
    tall: torch.Tensor,
    wide: torch.Tensor,
    size: int,
    flips: torch.Tensor,
) -> torch.Tensor:
    """Crops (B, C, H, W) to boxes (B,) each, resizes to `size` (bilinear, antialiased as Pillow
    does), mirrors where `flips`: (B, C, size, size)."""
    rows = _resampling(top, tall, x.shape[2], size)
    columns = _resampling(left, wide, x.shape[3], size)
    columns = torch.where(flips[:, None, None], columns.flip(1), columns)
    return _along_both(x, rows, columns)


def _resampling(start: torch.Tensor, length: torch.Tensor, side: int, size: int) -> torch.Tensor:
    """(B, size, side): row i weighs the pixels that the i-th pixel of the resized crop is made of.

    A triangle around the pixel's centre, widened when the crop is larger than `size`, over the
    pixels of the crop only, normalised to sum 1.
    """
    start, length = start[:, None, None], length[:, None, None]
    scale = length / size
    centres = start + (torch.arange(size, device=start.device)[:, None] + 0.5) * scale
    pixels = torch.arange(side, device=start.device) + 0.5
    weights = (1 - (pixels - centres).abs() / scale.clamp(min=1)).clamp_(min=0)
    weights *= (pixels > start) & (pixels < start + length)
    return weights / weights.sum(dim=2, keepdim=True)


def _along_both(x: torch.Tensor, rows: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
    """rows (B, S, H) @ x (B, C, H, W) @ columns (B, S, W) transposed: (B, C, S, S).

    Two batched products without a copy: W is contracted in (B, C*H, W), then H in (B, C, H, S).
    """
    count, channels, height, width = x.shape
    across = x.view(count, channels * height, width) @ columns.transpose(1, 2)
    return rows[:, None] @ across.view(count, channels, height, columns.shape[1])


def kernel_radius(settings: Views, side: int) -> int:
    """Pixels on each side of a blur's middle tap, for images of `side` pixels.

    SimCLR's code takes side // 10 taps, made odd: 3 at 32 pixels, so that sigma 2 spreads 0.8
    pixels there, 23 at 224. MoCo's blur is Pillow's, as wide as the sigma asks for: here three
    times the largest one.
    """
    if settings.blur_kernel:
        return int(settings.blur_kernel * side + 1e-6) // 2
    return math.ceil(3 * settings.blur_sigma[1])


def blur(x: torch.Tensor, sigma: torch.Tensor, radius: int) -> torch.Tensor:
    """Gaussian blur of (B, C, H, W) by `sigma` (B,) pixels each, borders reflected. The kernel has
    2 * radius + 1 taps, fewer in a smaller image."""
    radius = min(radius, min(x.shape[2:]) - 1)
    rows, columns = (_blurring(sigma, side, radius) for side in x.shape[2:])
    return _along_both(x, rows, columns)


def _blurring(sigma: torch.Tensor, side: int, radius: int) -> torch.Tensor:
    """(B, side, side): convolution with a Gaussian of 2 * radius + 1 pixels as a matrix."""
    offsets = torch.arange(-radius, radius + 1, device=sigma.device)
    kernel = torch.exp(-0.5 * (offsets / sigma[:, None]) ** 2)
    kernel /= kernel.sum(dim=1, keepdim=True)
    source = torch.arange(side, device=sigma.device)[:, None] + offsets  # (side, 2 * radius + 1)
    source = source.abs()
    source = torch.where(source >= side, 2 * (side - 1) - source, source)
    # Which pixel a kernel's tap reads from is the same for all images: (taps, side * side).
    # Not one_hot, which reads its largest index back.
    taps = source[..., None] == torch.arange(side, device=sigma.device)  # (side, taps, side)
    taps = taps.to(kernel.dtype)
    return torch.einsum("bt,itj->bij", kernel, taps)
