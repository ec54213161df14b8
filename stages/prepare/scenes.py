"""Generated scenes of several objects, the stand-in for photographs with boxes and masks.

An object's class is its form and its family of colour, its texture is random; objects vary in size,
hide parts of each other and are cut by the image's border. They are drawn as the stand-in for
ImageNet is (`shapes`), so that a network pretrained there can know their parts.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

from nassl.files import InputError
from nassl.settings import Data
from stages.prepare.digits import TEXTURE_SIDE, bilinear
from stages.prepare.shapes import COLOURS, FORMS, OVERSAMPLING, TEXTURES, inside, paint, textured

DRAWN = ("disc", "triangle", "cross")  # forms that differ even where half of one is hidden
CLASSES = [" ".join(names) for names in product(COLOURS, DRAWN)]
SIDES = (0.875, 1.0, 1.125)  # of data.image_size: heights and widths of images
OBJECTS = (2, 4)  # fewest and most objects of a scene
RADIUS = (0.13, 0.3)  # of data.image_size
LEAST_VISIBLE = 0.45  # share of an object that what lies before it leaves
DIFFICULT = 0.6  # an object of which less is visible is marked as difficult
CROWD = 12  # small objects of one class that are annotated together
CROWD_RADIUS = 0.035
TRIES = 20  # places tried for an object before it is left out


@dataclass
class Thing:
    """An object of a scene: class index, visible pixels (H, W), share of it that is visible."""

    label: int
    mask: np.ndarray
    visible: float = 1.0
    crowd: bool = False

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Left, top, right, bottom of the visible pixels; right and bottom are exclusive."""
        rows, columns = np.flatnonzero(self.mask.any(1)), np.flatnonzero(self.mask.any(0))
        return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


@dataclass
class Scene:
    """An image, uint8 (H, W, 3), and the objects in it, from back to front."""

    pixels: np.ndarray
    things: list[Thing]


def scenes(settings: Data, crowds: bool) -> dict[str, list[Scene]]:
    """`train` and `test` scenes; with `crowds` the first of each part has a crowd.

    Raises InputError for counts or sizes that cannot be met.
    """
    if min(settings.train, settings.test) < 1 or settings.image_size < 64:
        raise InputError(
            "scenes need train and test >= 1 and image_size >= 64; data says train "
            f"{settings.train}, test {settings.test}, image_size {settings.image_size}"
        )
    parts = {}
    for number, name in enumerate(("train", "test")):
        random = np.random.default_rng([settings.seed, number])
        count = getattr(settings, name)
        parts[name] = [
            draw(settings.image_size, crowds and not index, random) for index in range(count)
        ]
    return parts


def draw(side: int, crowd: bool, random: np.random.Generator) -> Scene:
    """One scene of about `side` pixels."""
    height, width = (round(side * share) for share in random.choice(SIDES, 2))
    image, things = _clutter(height, width, random), []
    if crowd:
        things.append(_add_crowd(image, side, random))
    for _ in range(random.integers(OBJECTS[0], OBJECTS[1] + 1)):
        label = int(random.integers(len(CLASSES)))
        for _ in range(TRIES):
            thing = _add(image, label, side * random.uniform(*RADIUS), things, random)
            if thing is not None:
                things.append(thing)
                break
    image += 0.04 * random.standard_normal(image.shape)
    return Scene(np.round(np.clip(image, 0, 1) * 255).astype(np.uint8), things)


def _clutter(height: int, width: int, random: np.random.Generator) -> np.ndarray:
    texture = random.random((3, TEXTURE_SIDE, TEXTURE_SIDE))
    spread = bilinear(TEXTURE_SIDE, height) @ texture @ bilinear(TEXTURE_SIDE, width).T
    return 0.3 * random.random(3) + 0.4 * np.moveaxis(spread, 0, -1)  # (H, W, 3)


def _add(
    image: np.ndarray, label: int, radius: float, behind: list[Thing], random: np.random.Generator
) -> Thing | None:
    """Paints an object at a random place over the scene, if all others stay visible enough.

    The masks of objects behind it lose what it covers.
    """
    height, width = image.shape[:2]
    centre = random.uniform(0.6 * radius, [height - 0.6 * radius, width - 0.6 * radius])
    window, alpha, colours, whole = _object(label, radius, centre, (height, width), random)
    mask = np.zeros((height, width), bool)
    mask[window] = alpha[..., 0] > 0.5
    left = [thing.visible * _share(thing.mask & ~mask, thing.mask) for thing in behind]
    if not mask.any() or any(share < LEAST_VISIBLE for share in left):
        return None
    for thing, share in zip(behind, left, strict=True):
        thing.mask, thing.visible = thing.mask & ~mask, share
    image[window] = image[window] * (1 - alpha) + colours * alpha
    return Thing(label, mask, float(mask.sum() / max(whole, 1.0)))


def _object(
    label: int,
    radius: float,
    centre: np.ndarray,
    shape: tuple[int, int],
    random: np.random.Generator,
) -> tuple[tuple[slice, slice], np.ndarray, np.ndarray, float]:
    """Where an object lies in an image of `shape`, how much it covers each pixel there, (h, w, 1),
    and its colours (h, w, 3); and its whole area in pixels, the part beyond the border included."""
    colour, form = np.unravel_index(label, (len(COLOURS), len(DRAWN)))
    low = np.floor(centre - radius).astype(int)
    fine = OVERSAMPLING * (int(2 * radius) + 2)
    at = (np.arange(fine) + 0.5) / OVERSAMPLING
    y = ((low[0] + at - centre[0]) / radius)[None, :, None]
    x = ((low[1] + at - centre[1]) / radius)[None, None, :]
    turn = random.uniform(0, 2 * np.pi)
    x, y = np.cos(turn) * x + np.sin(turn) * y, np.cos(turn) * y - np.sin(turn) * x
    covered = inside(x, y, np.array([FORMS.index(DRAWN[form])]))
    light_part = textured(x, y, random.integers(len(TEXTURES), size=1), random) * covered
    family = np.array([colour])
    light, dark = paint(family, 0.75, random)[0], paint(family, 0.3, random)[0]
    side = fine // OVERSAMPLING
    alpha, lit = (
        a[0].reshape(side, OVERSAMPLING, side, OVERSAMPLING).mean((1, 3))[..., None]
        for a in (covered, light_part)
    )  # (side, side, 1)
    colours = dark + (light - dark) * (lit / np.maximum(alpha, 1e-6))
    (top, left), whole = low, float((alpha > 0.5).sum())
    first = max(-top, 0), max(-left, 0)
    last = min(shape[0] - top, side), min(shape[1] - left, side)
    cut = slice(first[0], last[0]), slice(first[1], last[1])
    window = slice(top + first[0], top + last[0]), slice(left + first[1], left + last[1])
    return window, alpha[cut], colours[cut], whole


def _add_crowd(image: np.ndarray, side: int, random: np.random.Generator) -> Thing:
    """A cluster of small objects of one class, as one thing."""
    height, width = image.shape[:2]
    label, mask = int(random.integers(len(CLASSES))), np.zeros((height, width), bool)
    middle = random.uniform(0.25, 0.75, 2) * (height, width)
    for _ in range(CROWD):
        centre = np.clip(middle + random.normal(0, 0.08 * side, 2), 0, (height - 1, width - 1))
        window, alpha, colours, _ = _object(
            label, CROWD_RADIUS * side, centre, (height, width), random
        )
        mask[window] |= alpha[..., 0] > 0.5
        image[window] = image[window] * (1 - alpha) + colours * alpha
    return Thing(label, mask, crowd=True)


def _share(part: np.ndarray, whole: np.ndarray) -> float:
    return float(part.sum() / max(whole.sum(), 1))
