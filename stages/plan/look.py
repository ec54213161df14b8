"""How large the images of a folder or an archive are, by the headers of some of them."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from nassl.files import InputError
from nassl.settings import Data, SettingsError
from stages.layouts.files import Files, image_files
from stages.plan.datasets import is_here

MOST = 200  # files that are looked at, drawn with a fixed seed
LARGE = 0.1  # the share of the images that may be smaller than what is called their side


@dataclass(frozen=True)
class Seen:
    """`sides`: the shorter sides (pixels) of the images looked at, in order; `pixels`: how many an
    image has, as a mean."""

    sides: tuple[int, ...]
    pixels: float = 0.0
    in_archive: bool = False

    @property
    def side(self) -> int:
        """Nine of ten images have at least so many pixels; 0 if no header could be read."""
        return self.sides[int(LARGE * len(self.sides))] if self.sides else 0


def seen_of(data: Data) -> Seen | None:
    """None for images that are not on this machine, or not in files of their own."""
    return look(data.root) if data.on_disk and is_here(data) else None


@cache
def look(root: str) -> Seen:
    """A file whose header cannot be read is passed over: `prepare` names it. Raises SettingsError
    for a place without images."""
    try:
        with image_files(Path(root)) as files:
            drawn = np.random.default_rng(0).permutation(len(files.paths))[:MOST]
            sizes = [_size(files, Path(root), int(index)) for index in sorted(drawn)]
            read = [size for size in sizes if size]
            pixels = sum(width * height for width, height in read) / max(1, len(read))
            return Seen(tuple(sorted(map(min, read))), pixels, files.in_archive)
    except InputError as error:
        raise SettingsError(str(error)) from error


def _size(files: Files, root: Path, index: int) -> tuple[int, int] | None:
    """Width and height as stored; a member of an archive is read whole."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of Pillow's, on what is larger than it likes
            path = root / files.paths[index]
            with Image.open(io.BytesIO(files.read(index)) if files.in_archive else path) as image:
                return image.size
    except Exception:  # Pillow's decoders raise many kinds of errors
        return None
