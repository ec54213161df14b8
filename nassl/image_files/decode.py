"""The single reader of image files: used for folders, VOC, COCO and by the detector."""

from __future__ import annotations

import io
import math
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from nassl.image_files.depth import DEEP_MODES, check_colour_depth, shallow
from nassl.image_files.kinds import kind_of
from nassl.image_files.unreadable import UnreadableImage

__all__ = [
    "UnreadableImage", "crops", "decoding_threads", "opened_square", "picture", "plain_jpeg",
    "resized", "square", "whole",
]  # fmt: skip

ORIENTATION = 0x0112  # the EXIF tag
TURNS = {  # by EXIF's orientation: what brings the stored image upright
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
BACK = TURNS | {6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}  # undoes TURNS
MAY_BE_SEVERAL = ("GIF", "TIFF", "WebP", "AVIF")
HEAD_OF_PNG = 512  # bytes within which an animated PNG declares itself
SIDEWAYS = (5, 6, 7, 8)  # orientations that swap width and height


def decoding_threads() -> int:
    """Processors that this process may use; Pillow decodes without the interpreter's lock."""
    if hasattr(os, "sched_getaffinity"):  # Linux only
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def picture(content: bytes, *, turned: bool = True, draft: int = 0) -> Image.Image:
    """An image file's bytes as a PIL image of mode RGB, turned as its EXIF orientation says, or as
    it is stored (`turned=False`).

    It has its full size; with `draft`, a JPEG may be decoded smaller, but at least `draft` pixels
    wide and high, which is several times faster for photographs. Grayscale, palette and CMYK become
    RGB, transparent pixels are put on black, and more than 8 bits are reduced to 8
    (`depth.shallow`). Of an animation, or of several pages, the first is used.

    Raises UnreadableImage, also for a truncated file and for one of more pixels than Pillow
    considers safe.
    """
    with _opened(content) as image:
        coloured, orientation, is_turned = _loaded(image, draft)
        method = (TURNS if turned else BACK).get(orientation) if turned != is_turned else None
        if method is not None:
            coloured = coloured.transpose(method)
        coloured.info.clear()  # so that it is not turned a second time
        return coloured


def whole(content: bytes) -> tuple[tuple[int, int], tuple[int, int], int]:
    """(width, height) as stored and as turned by EXIF, and the orientation that EXIF says, of an
    image that `picture` can read. It is decoded (a JPEG at an eighth of its size), which is enough
    to detect truncation. Raises UnreadableImage."""
    with _opened(content) as image:
        size = image.size
        _, orientation, is_turned = _loaded(image, draft=1)
    other = size[::-1] if orientation in SIDEWAYS else size
    stored, turned = (other, size) if is_turned else (size, other)
    return stored, turned, orientation


def frames(content: bytes) -> int:
    """How many frames or pages an image file has; of several only the first is used. The file must
    be one that `picture` can read."""
    if kind_of(content) not in MAY_BE_SEVERAL and b"acTL" not in content[:HEAD_OF_PNG]:
        return 1
    with _opened(content) as image:
        return getattr(image, "n_frames", 1)


def square(content: bytes, side: int) -> np.ndarray:
    """uint8 (side, side, 3): the `picture`, its shorter side brought to `side` pixels (bicubic,
    antialiased), its centre cut out. Raises UnreadableImage."""
    # A JPEG is decoded at the smallest scale that keeps twice the pixels needed.
    return np.asarray(_fit(picture(content, draft=2 * side), side))


def crops(
    content: bytes, drawn: Callable[[int, int], list[tuple[int, int, int, int]]], side: int
) -> np.ndarray:
    """uint8 (N, side, side, 3): N parts of the `picture`, each brought to `side` pixels (bilinear,
    antialiased, as torchvision's resized crop of a PIL image). `drawn(height, width)` gives their
    (top, left, height, width) in the whole picture, which is decoded once for all of them.

    A JPEG whose parts all have more than twice the pixels needed is decoded at half its size or
    less, as far as they keep twice the pixels needed. Raises UnreadableImage.
    """
    size: tuple[int, int] | None = None
    boxes: Sequence[tuple[int, int, int, int]] = ()
    draft = 0
    with _opened(content) as image:
        if image.format == "JPEG":
            wide, tall = image.size
            size = (tall, wide) if _orientation(image) in SIDEWAYS else (wide, tall)
            boxes = drawn(size[1], size[0])
            spare = min(min(box[2:]) for box in boxes) / (2 * side)
            draft = math.ceil(min(size) / spare) if spare >= 2 else 0
    whole = picture(content, draft=draft)
    if size is None:
        size, boxes = whole.size, drawn(whole.height, whole.width)
    result = np.empty((len(boxes), side, side, 3), np.uint8)
    across, down = whole.width / size[0], whole.height / size[1]
    for number, (top, left, tall, wide) in enumerate(boxes):
        if whole.size == size:
            part = whole.crop((left, top, left + wide, top + tall))
            view = part.resize((side, side), Image.Resampling.BILINEAR)
        else:  # edges between pixels
            edges = left * across, top * down, (left + wide) * across, (top + tall) * down
            view = whole.resize((side, side), Image.Resampling.BILINEAR, edges)
        result[number] = np.asarray(view)
    return result


def plain_jpeg(content: bytes) -> tuple[int, int, int] | None:
    """(height, width) as turned by EXIF, and the orientation that EXIF says, of a JPEG in gray or
    YCbCr, which all decoders read as the same picture; None for any other file. Only its head is
    read. Raises UnreadableImage."""
    with _opened(content) as image:
        coded_as_rgb = image.info.get("adobe_transform") == 0 and image.mode == "RGB"
        if image.format != "JPEG" or image.mode not in ("L", "RGB") or coded_as_rgb:
            return None
        orientation = _orientation(image)
        wide, tall = image.size
        return (wide, tall, orientation) if orientation in SIDEWAYS else (tall, wide, orientation)


def opened_square(image: Image.Image, side: int) -> np.ndarray:
    """`square` of an image that is open in Pillow; the image itself is left as it is.

    If none of its pixels were decoded yet, the result is exactly that of `square` for its file. Of
    a large JPEG that was decoded before, it differs by a few of 255 levels, more at sharp edges:
    `square` reduces large JPEGs while decoding. Raises UnreadableImage.
    """
    with _explained():
        content = _undecoded(image)
        if content is not None:
            return square(content, side)
        if 0 in image.size:
            raise UnreadableImage("it has no pixels")
        _check_size(image)
        image.load()
        coloured = _rgb(image)
        if (method := TURNS.get(_orientation(image))) is not None:
            coloured = coloured.transpose(method)
        return np.asarray(_fit(coloured, side))


def _undecoded(image: Image.Image) -> bytes | None:
    """The bytes of the file of an image that is open at its first frame and not decoded yet."""
    file = getattr(image, "fp", None)
    if file is None or not getattr(image, "tile", None) or image.tell() != 0:
        return None
    place = file.tell()
    try:
        file.seek(0)
        return file.read()
    finally:
        file.seek(place)


@contextmanager
def _explained() -> Iterator[None]:
    """Turns any error while an image is used into an UnreadableImage."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            warnings.filterwarnings("ignore", category=UserWarning, module="PIL")
            yield
    except (UnreadableImage, MemoryError):
        raise
    except Exception as error:  # Pillow's decoders raise many kinds of errors
        raise UnreadableImage(f"{type(error).__name__}: {error}") from error


@contextmanager
def _opened(content: bytes) -> Iterator[Image.Image]:
    with _explained():
        try:
            image = Image.open(io.BytesIO(content))
        except UnidentifiedImageError as error:
            kind = kind_of(content)
            raise UnreadableImage(
                f"it is a {kind} file of a variety that cannot be read; convert it to PNG or JPEG"
                if kind
                else "it is not an image of a known kind"
            ) from error
        with image:
            _check_size(image)
            yield image


def _check_size(image: Image.Image) -> None:
    """Checked here because Pillow only warns, and warning filters are shared by all threads: one
    thread's `catch_warnings` may end while another still relies on its own."""
    limit = Image.MAX_IMAGE_PIXELS
    if limit is not None and image.width * image.height > limit:
        raise UnreadableImage(
            f"DecompressionBombWarning: it has {image.width * image.height} pixels, more than "
            f"{limit}, which Pillow considers safe"
        )


def _loaded(image: Image.Image, draft: int) -> tuple[Image.Image, int, bool]:
    """An image in mode RGB, its EXIF orientation, and whether Pillow has turned it already."""
    # Before anything loads the image, as asking a PNG for its EXIF block does.
    check = image.mode not in DEEP_MODES and ";16" in str(getattr(image, "tile", ""))
    orientation = _orientation(image)
    if draft:
        image.draft(None, (draft, draft))
    is_turned = image.format == "TIFF"  # Pillow turns these, and only these, while loading
    image.load()
    if check:
        check_colour_depth(image)
    return _rgb(image), orientation, is_turned


def _orientation(image: Image.Image) -> int:
    try:
        return image.getexif().get(ORIENTATION, 1)
    except Exception as error:  # many kinds of errors
        raise UnreadableImage(f"its EXIF block is broken ({error}): orientation unknown") from error


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode in DEEP_MODES:
        return shallow(image).convert("RGB")
    if image.has_transparency_data:
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
        result[index] = np.asarray(_fit(Image.fromarray(np.ascontiguousarray(image)), side))
    return result
