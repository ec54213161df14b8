"""Scikit-learn's handwritten digits, drawn into coloured clutter so that representations matter.

Plain centred digits are useless for comparing representations: a network with random weights
already separates them. Here a logistic regression on raw pixels reaches about 61 %.
"""

from __future__ import annotations

import numpy as np

from nassl.files import InputError
from nassl.settings import Data
from stages.prepare.parts import Part, Prepared

DIGIT_SIDE = 13  # pixels, in an image of 16
TEST_SHARE = 0.25  # of the source digits
TEXTURE_SIDE = 4


def digits(settings: Data) -> Prepared:
    """Draws `train`, `test` and `unlabeled` images of `settings.image_size` pixels.

    The source digits are split, stratified, before anything is drawn: no source digit appears in
    two parts. Every source of a part is drawn about equally often. Raises InputError for counts
    that cannot be met.
    """
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    if settings.train < 10 or settings.test < 10 or settings.image_size < DIGIT_SIDE:
        raise InputError(
            f"digits need train >= 10, test >= 10 and image_size >= {DIGIT_SIDE}; data says train "
            f"{settings.train}, test {settings.test}, image_size {settings.image_size}"
        )
    source = load_digits()
    glyphs, labels = source.images / 16.0, source.target  # (1797, 8, 8) in [0, 1]
    train, test = train_test_split(
        np.arange(len(labels)),
        test_size=TEST_SHARE,
        stratify=labels,
        random_state=settings.seed,
    )
    sources = {"train": train, "test": test}
    if settings.unlabeled:
        share = settings.unlabeled / (settings.unlabeled + settings.train)
        # At least ten per class on either side.
        count = min(max(round(share * len(train)), 100), len(train) - 100)
        sources["train"], sources["unlabeled"] = train_test_split(
            train, test_size=count, stratify=labels[train], random_state=settings.seed
        )
    parts = {}
    for number, (name, chosen) in enumerate(sources.items()):
        random = np.random.default_rng([settings.seed, number])
        # Every source once before any comes a second time, in a random order.
        count = getattr(settings, name)
        rounds = [random.permutation(chosen) for _ in range(-(-count // len(chosen)))]
        drawn = np.concatenate(rounds)[:count]
        others = glyphs[chosen]  # of the same part: no source digit is seen in two
        pixels = draw(glyphs[drawn], settings.image_size, random, settings.distractors, others)
        parts[name] = Part(pixels, None if name == "unlabeled" else labels[drawn])
    return Prepared(parts, classes=[str(digit) for digit in range(10)])


def draw(
    glyphs: np.ndarray,
    side: int,
    random: np.random.Generator,
    distractors: int = 0,
    others: np.ndarray | None = None,
) -> np.ndarray:
    """Glyphs (N, 8, 8) in [0, 1] to uint8 images (N, side, side, 3).

    The digit is enlarged to 13 pixels and put at a random place. Behind: 0.35 * colour + 0.35 * a
    4x4 texture enlarged bilinearly; in front: 0.5 + 0.5 * colour; noise of standard deviation 0.05.
    `distractors` strokes of `others` (M, 8, 8) lie between: a half of a glyph each, as large and as
    bright as the digit.
    """
    count = len(glyphs)
    enlarge, spread = bilinear(glyphs.shape[1], DIGIT_SIDE), bilinear(TEXTURE_SIDE, side)
    ink = enlarge @ glyphs @ enlarge.T  # (N, 13, 13)
    mask = np.zeros((count, side, side))
    corners = random.integers(0, side - DIGIT_SIDE + 1, size=(count, 2))
    for image, (top, left) in enumerate(corners):
        mask[image, top : top + DIGIT_SIDE, left : left + DIGIT_SIDE] = ink[image]
    mask = mask[..., None]
    texture = random.random((count, 3, TEXTURE_SIDE, TEXTURE_SIDE))
    texture = np.moveaxis(spread @ texture @ spread.T, 1, -1)  # (N, side, side, 3)
    background = 0.35 * random.random((count, 1, 1, 3)) + 0.35 * texture
    foreground = 0.5 + 0.5 * random.random((count, 1, 1, 3))
    for _ in range(distractors):
        stroke = _strokes(others, count, side, random)
        colour = 0.5 + 0.5 * random.random((count, 1, 1, 3))
        background = background * (1 - stroke) + colour * stroke
    image = background * (1 - mask) + foreground * mask
    image += 0.05 * random.standard_normal(image.shape)
    return np.round(np.clip(image, 0, 1) * 255).astype(np.uint8)


def _strokes(glyphs: np.ndarray, count: int, side: int, random: np.random.Generator) -> np.ndarray:
    """(count, side, side, 1) in [0, 1]: in each the upper, lower, left or right half of a glyph,
    enlarged as the digit is, at a random place."""
    enlarge, half = bilinear(glyphs.shape[1], DIGIT_SIDE), DIGIT_SIDE // 2
    ink = enlarge @ glyphs[random.integers(len(glyphs), size=count)] @ enlarge.T
    mask = np.zeros((count, side, side, 1))
    for image, turns in enumerate(random.integers(4, size=count)):
        piece = np.rot90(ink[image], turns)[:half]
        piece = np.rot90(piece, -turns)  # upright again, with another half kept
        height, width = piece.shape
        top, left = random.integers(0, side - height + 1), random.integers(0, side - width + 1)
        mask[image, top : top + height, left : left + width, 0] = piece
    return mask


def bilinear(small: int, large: int) -> np.ndarray:
    """(large, small) matrix that enlarges bilinearly, pixel centres aligned as in resizing."""
    at = np.clip((np.arange(large) + 0.5) * small / large - 0.5, 0, small - 1)
    low = np.minimum(at.astype(int), small - 2)
    matrix = np.zeros((large, small))
    matrix[np.arange(large), low] = 1 - (at - low)
    matrix[np.arange(large), low + 1] = at - low
    return matrix
