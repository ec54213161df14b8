"""Image files with one class each, or none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from nassl.settings.data import Data, Size

PACK_LIMIT = 2**30  # bytes of pixels up to which images are packed into arrays


@dataclass
class Folder(Data, kind="folder"):
    """Any folder or archive of images, with or without class folders."""

    implementation: ClassVar[str] = "stages.prepare.folders:folder"
    on_disk: ClassVar[bool] = True

    def indexed(self, pixels: int) -> bool:
        return pixels > PACK_LIMIT


@dataclass
class ImageNet(Data, kind="imagenet"):
    """Class folders in `train` and `val`."""

    implementation: ClassVar[str] = "stages.prepare.folders:folder"
    released: ClassVar[Size | None] = Size(1_281_167, 50_000, 0, 1000)

    def indexed(self, pixels: int) -> bool:
        return True
