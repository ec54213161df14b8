"""One image file of any common kind to a square of RGB pixels."""

from __future__ import annotations

import io
import os
import warnings

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

# What Pillow calls pixels of more than 8 bits: one channel of 16 or 32 bits.
DEEP_MODES = ("I;16", "I;16L", "I;16B", "I;16N", "I", "F")


def decoding_threads() -> int:
    """Processors that this process may use; Pillow decodes without the interpreter's lock."""
    if hasattr(os, "sched_getaffinity"):  # Linux only
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class UnreadableImage(ValueError):
    """Bytes that are no whole image: says what is wrong, not where it lies."""


def square(content: bytes, side: int) -> np.ndarray:
    """uint8 (side, side, 3): turned as its EXIF says, its shorter side brought to `side` pixels
    (bicubic, antialiased), its centre cut out.

    Grayscale, palette, CMYK, alpha (put on black) and 16-bit images become RGB; of an animation the
    first frame counts. Raises UnreadableImage, also for a truncated file and for one of more pixels
    than Pillow considers safe.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            warnings.filterwarnings("ignore", category=UserWarning, module="PIL")
            with Image.open(io.BytesIO(content)) as image:
                # A JPEG is decoded at the smallest scale that keeps twice the pixels needed:
                # several times faster for photographs, and still resampled down.
                image.draft(None, (2 * side, 2 * side))
                image.load()
                return np.asarray(_fit(ImageOps.exif_transpose(_rgb(image)), side))
    except UnidentifiedImageError as error:
        raise UnreadableImage("it is no image of a known kind") from error
    except Exception as error:  # Pillow's decoders raise many kinds for broken bytes
        if isinstance(error, MemoryError):
            raise
        raise UnreadableImage(f"{type(error).__name__}: {error}") from error


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode in DEEP_MODES:
        values = np.asarray(image).astype(np.float64)
        # 16-bit files have a fixed range; a float image is taken as it is scaled, 0-1 or 0-255.
        if image.mode == "F":
            scale = 1 / 255 if values.size and values.max() <= 1 else 1.0
        else:
            scale = 257.0 if values.size and values.max() > 255 else 1.0
        shallow = Image.fromarray(np.clip(np.round(values / scale), 0, 255).astype(np.uint8))
        shallow.info = image.info
        return shallow.convert("RGB")
    if image.mode == "P" and "transparency" in image.info:
        image = image.convert("RGBA")
    if image.mode in ("LA", "PA", "RGBA", "La", "RGBa"):
        image = image.convert("RGBA")
        black = Image.new("RGBA", image.size, (0, 0, 0, 255))
        return Image.alpha_composite(black, image).convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")


def _fit(image: Image.Image, side: int) -> Image.Image:
    if image.size == (side, side):
        return image
    return ImageOps.fit(image, (side, side), Image.Resampling.BICUBIC)


def resized(pixels: np.ndarray, side: int) -> np.ndarray:
    """uint8 (N, H, W, 3) to (N, side, side, 3), as `square` does; unchanged if it fits."""
    if pixels.shape[1:3] == (side, side):
        return pixels
    result = np.empty((len(pixels), side, side, 3), np.uint8)
    for index, image in enumerate(pixels):
        result[index] = _fit(Image.fromarray(np.ascontiguousarray(image)), side)
    return result
