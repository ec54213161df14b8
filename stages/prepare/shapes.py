"""Generated coloured shapes, the stand-in for ImageNet: a class is a form, a texture and a colour.

4 forms, 3 textures and 2 families of colour make 24 classes: colour alone tells only 2 groups of
classes apart. Place, size, rotation, exact colours and the textured background are random.
"""

from __future__ import annotations

from itertools import product

import numpy as np

from nassl.files import InputError
from nassl.settings import Data
from stages.prepare.digits import TEXTURE_SIDE, bilinear
from stages.prepare.parts import Part, Prepared

FORMS = ("disc", "square", "triangle", "cross")
TEXTURES = ("plain", "striped", "spotted")
COLOURS = ("warm", "cool")
CLASSES = [" ".join(names) for names in product(COLOURS, TEXTURES, FORMS)]
OVERSAMPLING = 2  # each pixel is the mean of 2x2 samples: smooth edges
RADIUS = (0.26, 0.38)  # of the image's side
PERIOD = 0.45  # of stripes and spots, in radii
SMALLEST_SIDE = 24  # pixels: below, textures cannot be told apart


def shapes(settings: Data) -> Prepared:
    """Draws `train`, `test` and `unlabeled` images; classes are drawn about equally often.

    Raises InputError for counts or sizes that cannot be met.
    """
    if min(settings.train, settings.test) < len(CLASSES) or settings.image_size < SMALLEST_SIDE:
        raise InputError(
            f"shapes need train and test >= {len(CLASSES)} and image_size >= {SMALLEST_SIDE}; data "
            f"says train {settings.train}, test {settings.test}, image_size {settings.image_size}"
        )
    parts = {}
    for number, name in enumerate(("train", "test", "unlabeled")):
        random = np.random.default_rng([settings.seed, number])
        if count := getattr(settings, name):
            labels = random.permutation(np.arange(count) % len(CLASSES))
            pixels = draw(labels, settings.image_size, random)
            parts[name] = Part(pixels, None if name == "unlabeled" else labels)
    return Prepared(parts, classes=list(CLASSES))


def draw(labels: np.ndarray, side: int, random: np.random.Generator) -> np.ndarray:
    """Class indices (N,) to uint8 images (N, side, side, 3)."""
    count, fine = len(labels), side * OVERSAMPLING
    colour, texture, form = np.unravel_index(labels, (len(COLOURS), len(TEXTURES), len(FORMS)))
    x, y = _own_coordinates(count, fine, random)
    mask = inside(x, y, form)  # (N, fine, fine)
    pattern = textured(x, y, texture, random)
    mask, pattern = (
        a.reshape(count, side, OVERSAMPLING, side, OVERSAMPLING).mean((2, 4))[..., None]
        for a in (mask, mask * pattern)
    )  # (N, side, side, 1)
    spread = bilinear(TEXTURE_SIDE, side)
    clutter = random.random((count, 3, TEXTURE_SIDE, TEXTURE_SIDE))
    clutter = np.moveaxis(spread @ clutter @ spread.T, 1, -1)  # (N, side, side, 3)
    background = 0.3 * random.random((count, 1, 1, 3)) + 0.4 * clutter
    light, dark = paint(colour, 0.75, random), paint(colour, 0.3, random)
    image = background * (1 - mask) + dark * (mask - pattern) + light * pattern
    image += 0.05 * random.standard_normal(image.shape)
    return np.round(np.clip(image, 0, 1) * 255).astype(np.uint8)


def _own_coordinates(
    count: int, side: int, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """(N, side, side) coordinates turned, moved and scaled so that a shape has radius 1 about 0."""
    at = (np.arange(side) + 0.5) / side
    radius = random.uniform(*RADIUS, (count, 1, 1))
    left, top = radius + random.random((2, count, 1, 1)) * (1 - 2 * radius)
    x, y = (at[None, None, :] - left) / radius, (at[None, :, None] - top) / radius
    turn = random.uniform(0, 2 * np.pi, (count, 1, 1))
    return np.cos(turn) * x + np.sin(turn) * y, np.cos(turn) * y - np.sin(turn) * x


def inside(x: np.ndarray, y: np.ndarray, form: np.ndarray) -> np.ndarray:
    """1 where a sample lies inside its form, else 0; coordinates (N, ...) in units of a radius."""
    disc = x**2 + y**2 < 0.85**2
    square = np.maximum(abs(x), abs(y)) < 0.72
    triangle = np.maximum(abs(x) * np.sqrt(3) / 2 + y / 2, -y) < 0.5
    cross = (np.minimum(abs(x), abs(y)) < 0.3) & (np.maximum(abs(x), abs(y)) < 0.95)
    return np.choose(form[:, None, None], [disc, square, triangle, cross]).astype(float)


def textured(
    x: np.ndarray, y: np.ndarray, texture: np.ndarray, random: np.random.Generator
) -> np.ndarray:
    """1 where the light colour is, else 0; the phase is random."""
    phase = random.uniform(0, 2 * np.pi, (2, len(x), 1, 1))
    waves = np.cos(2 * np.pi * x / PERIOD + phase[0]), np.cos(2 * np.pi * y / PERIOD + phase[1])
    plain, striped, spotted = np.ones_like(x), waves[0] > 0, waves[0] + waves[1] > 0.5
    return np.choose(texture[:, None, None], [plain, striped, spotted]).astype(float)


def paint(colour: np.ndarray, value: float, random: np.random.Generator) -> np.ndarray:
    """(N, 1, 1, 3): warm has more red than blue, cool more blue than red, by random amounts."""
    more, less = random.uniform(0, 0.25, (2, len(colour)))
    green = random.uniform(-0.2, 0.2, len(colour))
    warm = np.stack([value + more, value + green, value - 0.1 - less], -1)
    return np.where((colour == 0)[:, None], warm, warm[:, ::-1])[:, None, None, :]
