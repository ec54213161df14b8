"""Images of more than 8 bits, by one rule that never makes them all black or all white.

A channel of 16 or 32 bits, or of floats, does not record which value is white: cameras and
microscopes write 12 bits into 16, others 0 to 1, degrees or metres. So it is derived from each
file's own values.
"""

from __future__ import annotations

import numpy as np
from PIL import Image
from PIL.TiffImagePlugin import TiffImageFile

from nassl.image_files.unreadable import UnreadableImage

# What Pillow calls pixels of more than 8 bits: one channel of 16 or 32 bits.
DEEP_MODES = ("I;16", "I;16L", "I;16B", "I;16N", "I", "F")
WHITES = (255, 1023, 4095, 16383, 65535)  # the largest values of 8, 10, 12, 14 and 16 bits
LEAST_SPAN = 1 / 8  # of the range from 0 to white that an image has to fill
SAMPLE = 2**16  # pixels in which different values are counted
MANY, FEW = 64, 32  # an image of more than MANY values must keep at least FEW shades
DARKEST_16 = 63  # of 255: a 16-bit colour channel below this holds 14 bits or fewer
TIFF_SAMPLES = 339  # the tag that says whether numbers are signed


def shallow(image: Image.Image) -> Image.Image:
    """A deep image in 8 bits, mode L.

    White is the largest value of the fewest bits (8, 10, 12, 14, 16) that hold the image's own
    largest value; for floats of at most 1 it is 1. An image that has negative or larger values, or
    fills less than an eighth of that range, is scaled from its own smallest to its own largest
    value. Raises UnreadableImage for values that are not numbers, and where a few outliers (a hot
    pixel, a code for missing values) would leave hardly any shades for the rest.
    """
    values = np.asarray(image)
    if isinstance(image, TiffImageFile) and image.mode == "I" and _unsigned(image):
        values = values.view(np.uint32)
    if not values.size:
        raise UnreadableImage("it has no pixels")
    values = values.astype(np.float64)
    if not np.isfinite(values).all():
        count = int((~np.isfinite(values)).sum())
        raise UnreadableImage(
            f"{count} of its {values.size} values are not finite numbers (NaN or infinite); "
            "replace them, or convert it to 8 bits"
        )
    low, high = _range(values, image.mode)
    shades = np.clip(np.round((values - low) * (255 / (high - low))), 0, 255).astype(np.uint8)
    step = -(-values.size // SAMPLE)
    before, after = (len(np.unique(a.ravel()[::step])) for a in (values, shades))
    if before > MANY and after < FEW:
        raise UnreadableImage(
            f"its values run from {values.min():g} to {values.max():g}, and nearly all lie so close"
            f" together that {after} shades of gray would be left of {before} or more values; "
            "remove outliers (hot pixels, codes for missing values), or convert it to 8 bits"
        )
    return Image.fromarray(shades)


def _unsigned(image: TiffImageFile) -> bool:
    return image.tag_v2.get(TIFF_SAMPLES, (1,)) in (1, (1,))


def _range(values: np.ndarray, mode: str) -> tuple[float, float]:
    """The values that become black and white; they differ."""
    low, high = float(values.min()), float(values.max())
    whites = (1, *WHITES) if mode == "F" else WHITES
    if low >= 0 and high <= whites[-1]:
        white = next(white for white in whites if high <= white)
        if high == low or high - low >= LEAST_SPAN * white:
            return 0.0, float(white)
    return (low, high) if high > low else (low - 1, low + 1)


def check_colour_depth(image: Image.Image) -> None:
    """Raises UnreadableImage for a colour image of 16 bits a channel that seems to hold fewer.

    Pillow keeps the upper 8 bits of each channel, which is right only if all 16 are used.
    """
    if np.asarray(image.convert("RGB")).max() <= DARKEST_16:
        raise UnreadableImage(
            "its colour channels have 16 bits and use at most the lower 14 (as 12-bit cameras "
            "write), so it would be nearly black; convert it to 8 bits per channel"
        )
