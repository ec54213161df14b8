"""From images of any kind to the batch that a trained network expects."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from nassl.data.views import PlainView
from nassl.files import InputError
from nassl.image_files.decode import UnreadableImage, opened_square, resized
from nassl.model.facts import Input

EXPECTED = "a PIL image, a sequence of them, or a uint8 tensor (N, 3, H, W) in RGB"


class Preprocess:
    """Images to float32 (N, 3, crop, crop), exactly as the pipeline evaluates them.

    Of PIL images, in any mode, the EXIF orientation is followed; of several frames, the one that
    the image is at counts. Give files as `PIL.Image.open` opens them: a large JPEG that was decoded
    or converted before differs a little (`opened_square`). Tensors of another size than `side` are
    resized by the same rule, on the CPU; the batch is on the tensor's device, or on the CPU.

    Raises InputError for anything else, for no images, and for images that cannot be decoded.
    """

    def __init__(self, settings: Input) -> None:
        self.side, self.crop = settings.side, settings.crop
        mean, deviation = (
            torch.tensor(values, dtype=torch.float32)
            for values in (settings.mean, settings.deviation)
        )
        self._view = PlainView(mean, deviation, settings.crop)

    def __call__(self, images: Tensor | Image.Image | Sequence[Image.Image]) -> Tensor:
        if isinstance(images, Image.Image):
            images = [images]
        pixels = self._tensor(images) if isinstance(images, Tensor) else self._pictures(images)
        return self._view(pixels)

    def __repr__(self) -> str:
        return f"Preprocess(side={self.side}, crop={self.crop})"

    def _tensor(self, images: Tensor) -> Tensor:
        shape = tuple(images.shape)
        if images.dtype != torch.uint8 or len(shape) != 4 or shape[1] != 3 or 0 in shape:
            raise InputError(
                f"images are a tensor of {images.dtype} {shape}; allowed: {EXPECTED}; give pixels "
                "as they are, 0 to 255, not normalised, with an axis for the images"
            )
        if shape[2:] == (self.side, self.side):
            return images
        # (N, 3, H, W) to (N, H, W, 3) and back
        fitted = resized(images.permute(0, 2, 3, 1).cpu().numpy(), self.side)
        return torch.from_numpy(fitted).permute(0, 3, 1, 2).to(images.device)

    def _pictures(self, images: Sequence[Image.Image]) -> Tensor:
        if not isinstance(images, list | tuple) or not images:
            found = "empty" if isinstance(images, list | tuple) else f"a {_kind(images)}"
            raise InputError(f"images are {found}; allowed: {EXPECTED}")
        pixels = np.empty((len(images), self.side, self.side, 3), np.uint8)
        for number, image in enumerate(images):
            named = getattr(image, "filename", "") or f"image {number}"
            if not isinstance(image, Image.Image):
                raise InputError(
                    f"image {number} is a {_kind(image)}; allowed: {EXPECTED}; open files with "
                    "PIL.Image.open"
                )
            try:
                pixels[number] = opened_square(image, self.side)
            except UnreadableImage as error:
                raise InputError(
                    f"{named} cannot be decoded: {error}; allowed: a whole image; leave it out"
                ) from error
        return torch.from_numpy(pixels).permute(0, 3, 1, 2)


def _kind(value: object) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins.")
