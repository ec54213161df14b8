"""Random views of a batch of images, made on the device and drawn separately for every image.

The distribution is that of torchvision's transforms in their usual order: RandomResizedCrop or
padded RandomCrop, RandomHorizontalFlip, ColorJitter, RandomGrayscale (MoCo v1: before the jitter),
GaussianBlur, Normalize, cutout. Values stay floats between the steps, where the per-image
transforms round to 8 bits.

Written with torch alone. Kornia 0.9 is the obvious library; at 32 pixels it takes 2.5 to 3 times as
long (`benchmarks/views.py`), draws one order of the four colour changes for a whole batch, and its
import costs 0.4 s. Resizing and blur are in `resampling.py`.

Everything is drawn from torch's global generator of the images' device.
"""

from __future__ import annotations

import math

import torch

from nassl.data.colour import grayscale, jitter
from nassl.data.resampling import blur, kernel_radius, resample
from nassl.parallel.path import as_on_gpu
from nassl.settings import SettingsError, Views

ATTEMPTS = 10  # at a crop that fits, as in torchvision
CROPS = ("resized", "padded", "none")


class RandomViews:
    """uint8 (B, 3, H, W) to float32 (B, 3, S, S), normalised by `mean` and `std` (3,).

    S is `settings.size`, or H = W if that is 0. Images (B, 1, 3, S, S) were cropped already, from
    their files (`nassl.data.crops`). Raises SettingsError for an impossible combination.
    """

    def __init__(self, settings: Views, mean: torch.Tensor, std: torch.Tensor) -> None:
        if settings.crop not in CROPS:
            raise SettingsError(f"views.crop is {settings.crop!r}; available: {', '.join(CROPS)}")
        if settings.size and settings.crop == "padded":
            raise SettingsError(
                "views.size works with crop: resized or none; a padded crop keeps the size"
            )
        self.settings = settings
        self._normalise = _Normalise(mean, std)

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        s = self.settings
        x = self._crop(images)
        recolour, soften = (_grayscale_all, _blur_all) if as_on_gpu(x) else (_grayscale, _blur)
        if s.grayscale_first:
            x = recolour(x, s)
        if s.jitter:
            x = jitter(x, s.jitter, s.brightness, s.contrast, s.saturation, s.hue)
        if not s.grayscale_first:
            x = recolour(x, s)
        if s.blur:
            x = soften(x, s)
        x = self._normalise(x)
        return erase(x, s.cutout) if s.cutout else x

    def _crop(self, images: torch.Tensor) -> torch.Tensor:
        s, cropped = self.settings, images.dim() == 5
        images = images[:, 0] if cropped else images
        count, _, height, width = images.shape
        x = images.to(torch.float32, memory_format=torch.contiguous_format).div_(255)
        flips = torch.rand(count, device=x.device) < s.flip
        size = s.size or height
        if s.crop == "resized" and not cropped:
            top, left, tall, wide = crop_boxes(count, height, width, s, x.device)
            return resample(x, top, left, tall, wide, size, flips)
        if s.crop == "padded":
            room = 2 * s.padding + 1
            top, left = (torch.rand(2, count, device=x.device) * room).floor() - s.padding
            x = shift(x, top.long(), left.long())
        elif size != height:
            x = centre(x, size)
        return torch.where(flips[:, None, None, None], x.flip(-1), x)


def twice(images: torch.Tensor) -> torch.Tensor:
    """What two random views of each of B images are made of: the images twice, (2B, 3, H, W), or
    of images of which two crops were cut (B, 2, 3, S, S) all first ones, then all second ones,
    (2B, 1, 3, S, S)."""
    if images.dim() == 5:
        return images.transpose(0, 1).flatten(0, 1)[:, None]
    return torch.cat([images, images])


class PlainView:
    """uint8 (B, 3, H, W) to normalised float32 (B, 3, S, S): no randomness.

    `size` 0 keeps H = W; a smaller one cuts the centre, as an ImageNet test view does.
    """

    def __init__(self, mean: torch.Tensor, std: torch.Tensor, size: int = 0) -> None:
        self.size = size
        self._normalise = _Normalise(mean, std)

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        x = images.to(torch.float32, memory_format=torch.contiguous_format).div_(255)
        return self._normalise(centre(x, self.size or images.shape[-1]))


class _Normalise:
    def __init__(self, mean: torch.Tensor, std: torch.Tensor) -> None:
        self._scale, self._offset = 1 / std.view(1, 3, 1, 1), -(mean / std).view(1, 3, 1, 1)

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        self._scale, self._offset = self._scale.to(x), self._offset.to(x)
        return x.mul_(self._scale).add_(self._offset)


def _grayscale(x: torch.Tensor, s: Views) -> torch.Tensor:
    """Of the images that it falls on, in place."""
    if s.grayscale:
        chosen = _chosen(len(x), s.grayscale, x.device)
        x[chosen] = grayscale(x[chosen]).expand(-1, 3, -1, -1)
    return x


def _blur(x: torch.Tensor, s: Views) -> torch.Tensor:
    """Of the images that it falls on, in place."""
    chosen = _chosen(len(x), s.blur, x.device)
    low, high = s.blur_sigma
    sigma = low + (high - low) * torch.rand(len(chosen), device=x.device)
    x[chosen] = blur(x[chosen], sigma, kernel_radius(s, x.shape[-1]))
    return x


def _grayscale_all(x: torch.Tensor, s: Views) -> torch.Tensor:
    """The same of all images, of which those that it does not fall on are kept: how many there are
    is not asked."""
    if not s.grayscale:
        return x
    chosen = torch.rand(len(x), 1, 1, 1, device=x.device) < s.grayscale
    return torch.where(chosen, grayscale(x), x)


def _blur_all(x: torch.Tensor, s: Views) -> torch.Tensor:
    """Likewise."""
    chosen = torch.rand(len(x), 1, 1, 1, device=x.device) < s.blur
    low, high = s.blur_sigma
    sigma = low + (high - low) * torch.rand(len(x), device=x.device)
    return torch.where(chosen, blur(x, sigma, kernel_radius(s, x.shape[-1])), x)


def _chosen(count: int, probability: float, device: torch.device) -> torch.Tensor:
    """Indices of the images that a change falls on; each image is drawn by itself."""
    return (torch.rand(count, device=device) < probability).nonzero().squeeze(1)


def crop_boxes(
    count: int,
    height: int,
    width: int,
    settings: Views,
    device: torch.device,
    generator: torch.Generator | None = None,
) -> tuple[torch.Tensor, ...]:
    """top, left, height, width (count,) of random crops, as RandomResizedCrop draws them; from
    torch's global generator of `device` if none is given.

    Ten attempts at an area share and an aspect ratio (width / height, uniform in its logarithm);
    the first that fits counts. If none does: the largest centred crop of an allowed ratio.
    """
    low, high = settings.crop_scale
    drawn = torch.rand(count, ATTEMPTS, device=device, generator=generator)
    area = height * width * (low + (high - low) * drawn)
    low, high = (math.log(bound) for bound in settings.crop_ratio)
    drawn = torch.rand(count, ATTEMPTS, device=device, generator=generator)
    ratio = torch.exp(low + (high - low) * drawn)
    wide, tall = (area * ratio).sqrt().round(), (area / ratio).sqrt().round()
    fits = (wide > 0) & (wide <= width) & (tall > 0) & (tall <= height)
    first = fits.to(torch.uint8).argmax(dim=1, keepdim=True)  # the first of equal maxima
    wide, tall = wide.gather(1, first).squeeze(1), tall.gather(1, first).squeeze(1)
    place = torch.rand(2, count, device=device, generator=generator)
    top = (place[0] * (height - tall + 1)).floor()
    left = (place[1] * (width - wide + 1)).floor()
    whole = min(max(width / height, settings.crop_ratio[0]), settings.crop_ratio[1])
    full_wide, full_tall = min(width, round(height * whole)), min(height, round(width / whole))
    none_fits = ~fits.any(dim=1)
    wide, tall = wide.masked_fill(none_fits, full_wide), tall.masked_fill(none_fits, full_tall)
    top = top.masked_fill(none_fits, (height - full_tall) // 2)
    left = left.masked_fill(none_fits, (width - full_wide) // 2)
    return top, left, tall, wide


def shift(x: torch.Tensor, top: torch.Tensor, left: torch.Tensor) -> torch.Tensor:
    """Windows of (B, C, H, W) that begin at `top`, `left` (B,), which may lie outside; there 0."""
    count, _, height, width = x.shape
    rows = top[:, None] + torch.arange(height, device=x.device)
    columns = left[:, None] + torch.arange(width, device=x.device)
    inside = ((rows >= 0) & (rows < height))[:, :, None] & ((columns >= 0) & (columns < width))[
        :, None, :
    ]
    rows, columns = rows.clamp(0, height - 1), columns.clamp(0, width - 1)
    batch = torch.arange(count, device=x.device)[:, None, None]
    moved = x.permute(0, 2, 3, 1)[batch, rows[:, :, None], columns[:, None, :]]  # (B, H, W, C)
    return (moved * inside[..., None]).permute(0, 3, 1, 2).contiguous()


def centre(x: torch.Tensor, size: int) -> torch.Tensor:
    """The middle `size` x `size` of (B, C, H, W). Raises SettingsError if that is larger."""
    height, width = x.shape[2:]
    if size > min(height, width):
        raise SettingsError(
            f"views.size is {size}, and the prepared images have {height}x{width} pixels; "
            "prepare larger ones (data.image_size), or crop: resized"
        )
    top, left = (height - size) // 2, (width - size) // 2
    return x[:, :, top : top + size, left : left + size].contiguous()


def erase(x: torch.Tensor, side: int) -> torch.Tensor:
    """Cutout in place: a square of `side` pixels around a random pixel becomes 0 (after the
    normalisation: the mean colour); what reaches over the border is cut off, as in DARTS' code."""
    count, _, height, width = x.shape
    masks = []
    for length in (height, width):
        middle = torch.randint(length, (count, 1), device=x.device)
        distance = torch.arange(length, device=x.device) - (middle - side // 2)
        masks.append((distance >= 0) & (distance < side // 2 * 2))
    return x.masked_fill_((masks[0][:, :, None] & masks[1][:, None, :])[:, None], 0)
