"""Training crops of JPEG files that a GPU decodes: nvJPEG, through torchvision.

Off unless the data say `decoder: nvjpeg`, because its pixels differ by rounding from those of
Pillow, which decodes everything else: what is no plain JPEG, and squares, whose statistics and
test results are therefore the same with both.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch

from nassl.data.crops import Box
from nassl.files import InputError

PILLOW, NVJPEG = "pillow", "nvjpeg"


class Encoded(NamedTuple):
    """A JPEG file, and what is to be cut from its picture."""

    file: torch.Tensor  # uint8 (bytes,), on the host
    orientation: int  # EXIF's
    boxes: list[Box]  # in the turned picture
    side: int  # of every crop


class NvJpeg:
    """Decodes and crops a batch. Raises InputError if `device` is no GPU.

    It works in the thread that asks for the batch, between two steps: a step that is being recorded
    as a graph tolerates nothing else on the GPU.
    """

    def __init__(self, device: torch.device) -> None:
        if device.type != "cuda":
            raise InputError(
                f"the data say decoder: {NVJPEG}, which needs a GPU, and this run computes on "
                f"{device.type}; take data.<name>.decoder out of the plan, or give the stage a "
                "GPU (resources.<stage>.gpus)"
            )
        self.device = device

    def __call__(self, images: Sequence[Encoded | torch.Tensor]) -> torch.Tensor:
        """uint8 (B, N, 3, side, side) on the device; images that are crops, (1, N, 3, side, side),
        are copied there."""
        from torchvision.io import ImageReadMode, decode_jpeg

        encoded = [image for image in images if isinstance(image, Encoded)]
        try:
            pictures = iter(
                decode_jpeg([image.file for image in encoded], ImageReadMode.RGB, self.device)
                if encoded
                else ()
            )
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:
            raise InputError(
                f"nvJPEG cannot decode a batch of {len(encoded)} files that Pillow could read "
                f"({error}); take data.<name>.decoder out of the plan"
            ) from error
        return torch.cat(
            [
                cut(next(pictures), *image[1:])[None]
                if isinstance(image, Encoded)
                else image.to(self.device)
                for image in images
            ]
        )


def cut(stored: torch.Tensor, orientation: int, boxes: list[Box], side: int) -> torch.Tensor:
    """uint8 (N, 3, side, side): parts of a picture (3, H, W) as it is stored, turned as EXIF's
    orientation says; bilinear and antialiased, as `image_files.decode.crops`."""
    from torchvision.transforms.v2.functional import resized_crop

    picture = turned(stored, orientation)
    parts = [resized_crop(picture, *box, [side, side], antialias=True) for box in boxes]
    return torch.stack(parts)


def turned(stored: torch.Tensor, orientation: int) -> torch.Tensor:
    """(C, H, W) upright, as EXIF's orientation 1 to 8 says; others change nothing."""
    if orientation in (5, 6, 7, 8):  # lies on its side
        stored = stored.transpose(1, 2)
    across, down = orientation in (2, 3, 6, 7), orientation in (3, 4, 7, 8)
    return stored.flip([axis for axis, flip in ((2, across), (1, down)) if flip])
