"""Colour changes of a batch, drawn and applied image by image as in torchvision's ColorJitter."""

from __future__ import annotations

import torch

LUMINANCE = (0.2989, 0.587, 0.114)  # torchvision's weights of red, green, blue
BRIGHTNESS, CONTRAST, SATURATION, HUE = range(4)


def jitter(
    x: torch.Tensor,
    probability: float,
    brightness: float,
    contrast: float,
    saturation: float,
    hue: float,
) -> torch.Tensor:
    """Changes (B, 3, H, W) in [0, 1] in place; each image with `probability`, and in an order of
    its own among the 24 of the four changes.

    Factors are uniform in [max(0, 1 - r), 1 + r] for brightness, contrast and saturation, the hue
    shift in [-hue, hue] of a full turn.
    """
    count, device = len(x), x.device
    ranges = torch.tensor([brightness, contrast, saturation], device=device)
    low = (1 - ranges).clamp(min=0)
    factors = low + (1 + ranges - low) * torch.rand(count, 3, device=device)
    shifts = hue * (2 * torch.rand(count, device=device) - 1)
    order = torch.rand(count, 4, device=device).argsort(dim=1)  # order[b, i]: the i-th change
    jittered = torch.rand(count, device=device) < probability
    for change in order.T:
        _blend(x, change.masked_fill(~jittered, HUE), factors)
        if hue:
            turned = ((change == HUE) & jittered).nonzero().squeeze(1)
            x[turned] = turn_hue(x[turned], shifts[turned])
    return x


def _blend(x: torch.Tensor, change: torch.Tensor, factors: torch.Tensor) -> torch.Tensor:
    """One change per image (B,), in place; HUE: none.

    The three are one formula, x <- factor * x + (1 - factor) * y, with y = 0 (brightness), the mean
    of the grayscale image (contrast), or the grayscale image (saturation).
    """
    factor = torch.cat([factors, torch.ones_like(factors[:, :1])], dim=1)
    factor = factor.gather(1, change[:, None]).view(-1, 1, 1, 1)
    rest = 1 - factor
    gray = grayscale(x)
    mean = gray.mean(dim=(1, 2, 3), keepdim=True)
    kind = change.view(-1, 1, 1, 1)
    gray.mul_(rest * (kind == SATURATION)).add_(mean * rest * (kind == CONTRAST))
    return x.mul_(factor).add_(gray).clamp_(0, 1)


def grayscale(x: torch.Tensor) -> torch.Tensor:
    """(B, 3, H, W) to (B, 1, H, W)."""
    red, green, blue = LUMINANCE
    return (x[:, 0:1] * red).add_(x[:, 1:2], alpha=green).add_(x[:, 2:3], alpha=blue)


def turn_hue(x: torch.Tensor, shifts: torch.Tensor) -> torch.Tensor:
    """Turns the hue of (B, 3, H, W) in [0, 1] by `shifts` (B,) of a full turn.

    Through hue, value and chroma as in HSV, without the case distinction: channel n of the result
    is value - chroma * clamp(min(k, 4 - k), 0, 1) with k = (n + 6 * hue) mod 6, n = 5, 3, 1.
    """
    red, green, blue = x.unbind(dim=1)
    value, minimum = x.amax(dim=1), x.amin(dim=1)
    chroma = value - minimum
    divisor = torch.where(chroma == 0, 1.0, chroma)
    hue = torch.where(
        value == red,
        (green - blue) / divisor,
        torch.where(value == green, 2 + (blue - red) / divisor, 4 + (red - green) / divisor),
    )
    hue += 6 * shifts[:, None, None]
    base = torch.tensor([5.0, 3.0, 1.0], device=x.device).view(1, 3, 1, 1)
    k = (base + hue[:, None]).remainder_(6)
    k = torch.minimum(k, 4 - k).clamp_(0, 1)
    return k.mul_(-chroma[:, None]).add_(value[:, None])
