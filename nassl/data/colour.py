"""Colour changes of a batch, drawn and applied image by image as in torchvision's ColorJitter."""

from __future__ import annotations

import torch

from nassl.parallel.path import as_on_gpu

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
    # Filled there, not copied there: a copy from the host would have to be waited for.
    limits = (brightness, contrast, saturation)
    ranges = torch.cat([torch.full((1,), limit, device=device) for limit in limits])
    low = (1 - ranges).clamp(min=0)
    factors = low + (1 + ranges - low) * torch.rand(count, 3, device=device)
    shifts = hue * (2 * torch.rand(count, device=device) - 1)
    order = torch.rand(count, 4, device=device).argsort(dim=1)
    jittered = torch.rand(count, device=device) < probability
    factors.masked_fill_(~jittered[:, None], 1)
    shifts.masked_fill_(~jittered, 0)
    return change(x, order, factors, shifts)


def change(
    x: torch.Tensor, order: torch.Tensor, factors: torch.Tensor, shifts: torch.Tensor
) -> torch.Tensor:
    """Applies to (B, 3, H, W), in place, the changes order[b, 0], ..., order[b, 3] (B, 4), with the
    factors (B, 3) of brightness, contrast and saturation and the hue shifts (B,)."""
    if as_on_gpu(x):
        return _change_all(x, order, factors, shifts)
    for kind in order.T:
        _blend(x, kind, factors)
        turned = ((kind == HUE) & (shifts != 0)).nonzero().squeeze(1)
        if len(turned):
            x[turned] = turn_hue(x[turned], shifts[turned])
    return x


def _change_all(
    x: torch.Tensor, order: torch.Tensor, factors: torch.Tensor, shifts: torch.Tensor
) -> torch.Tensor:
    """The same, but the hue of all images is turned, once: what comes before it in the order of an
    image is blended before, the rest after."""
    turn = order.argmax(dim=1, keepdim=True)  # the place of HUE, the largest kind
    places = torch.arange(order.shape[1], device=x.device)
    for kind in order.masked_fill(places >= turn, HUE)[:, :-1].T:
        _blend(x, kind, factors)
    x = torch.where((shifts != 0).view(-1, 1, 1, 1), turn_hue(x, shifts), x)
    for kind in order.masked_fill(places <= turn, HUE)[:, 1:].T:
        _blend(x, kind, factors)
    return x


def _blend(x: torch.Tensor, kind: torch.Tensor, factors: torch.Tensor) -> torch.Tensor:
    """The change of `kind` (B,) for every image, in place; HUE changes nothing.

    The three are one formula, x <- factor * x + (1 - factor) * y, with y = 0 (brightness), the mean
    of the grayscale image (contrast), or the grayscale image (saturation).
    """
    factor = torch.cat([factors, torch.ones_like(factors[:, :1])], dim=1)
    factor = factor.gather(1, kind[:, None]).view(-1, 1, 1, 1)
    rest = 1 - factor
    gray = grayscale(x)
    mean = gray.mean(dim=(1, 2, 3), keepdim=True)
    kind = kind.view(-1, 1, 1, 1)
    gray.mul_(rest * (kind == SATURATION)).add_(mean * rest * (kind == CONTRAST))
    return x.mul_(factor).add_(gray).clamp_(0, 1)


def grayscale(x: torch.Tensor) -> torch.Tensor:
    """(B, 3, H, W) to (B, 1, H, W)."""
    red, green, blue = LUMINANCE
    return (x[:, 0:1] * red).add_(x[:, 1:2], alpha=green).add_(x[:, 2:3], alpha=blue)


def turn_hue(x: torch.Tensor, shifts: torch.Tensor) -> torch.Tensor:
    """Turns the hue of (B, 3, H, W) in [0, 1] by `shifts` (B,) of a full turn.

    As through HSV, with the smallest channel and the chroma in place of value and saturation, and
    without its case distinction: a channel is low + chroma * clamp(a triangle of the hue, 0, 1).
    """
    red, green, blue = x.unbind(dim=1)
    high = torch.maximum(torch.maximum(red, green), blue)
    low = torch.minimum(torch.minimum(red, green), blue)
    chroma = high - low
    # Hue in [0, 6), from which channel is the largest: 0 red, 2 green, 4 blue, plus what remains.
    hue = torch.where(
        red == high,
        green - blue,
        torch.where(
            green == high,
            (blue - red).add_(chroma, alpha=2),
            (red - green).add_(chroma, alpha=4),
        ),
    )
    hue.div_(chroma.clamp(min=1e-12)).add_((6 * shifts)[:, None, None])
    hue.sub_(torch.floor(hue / 6), alpha=6)
    turned = torch.empty_like(x)
    for channel, peak in enumerate((3, 2, 4)):
        triangle = (hue - peak).abs_()
        triangle = triangle.sub_(1) if channel == 0 else triangle.neg_().add_(2)
        torch.addcmul(low, triangle.clamp_(0, 1), chroma, out=turned[:, channel])
    return turned
