"""Random views of an image: a part of objectives and protocols."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Views:
    """Random augmentation of a training image; every probability is per image."""

    crop: str  # resized (random resized crop) | padded (pad, then crop) | none
    crop_scale: list[float] = field(default_factory=lambda: [1.0, 1.0])  # share of the area
    crop_ratio: list[float] = field(default_factory=lambda: [1.0, 1.0])  # width / height
    padding: int = 0  # pixels, crop: padded
    flip: float = 0.0  # probability
    jitter: float = 0.0  # probability of colour jitter
    brightness: float = 0.0  # jitter ranges as in torchvision's ColorJitter
    contrast: float = 0.0
    saturation: float = 0.0
    hue: float = 0.0
    grayscale: float = 0.0  # probability
    grayscale_first: bool = False  # before the jitter (MoCo v1) instead of after it (v2, SimCLR)
    blur: float = 0.0  # probability
    blur_sigma: list[float] = field(default_factory=lambda: [0.1, 2.0])  # pixels
    blur_kernel: float = 0.0  # width as a share of the side; 0 = as wide as the sigma asks for
    cutout: int = 0  # side of the erased square in pixels; 0 = none
    size: int = 0  # side of a view in pixels; 0 = that of the prepared images
