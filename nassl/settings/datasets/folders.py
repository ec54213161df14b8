"""Image files with one class each, or none."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from nassl.settings.data import Data, Size

PACK_LIMIT = 2**30  # bytes of pixels up to which images are packed into arrays


@dataclass
class ClassFolders(Data):
    """Those of which only some classes may be kept: ImageNet-100, for example."""

    classes: list[str] = field(default_factory=list)  # only these class folders
    class_count: int = 0  # without such a list, so many, drawn with `seed`; 0 = all
    # Of random crops of images that are not copied: pillow | nvjpeg, on a GPU, with other pixels.
    decoder: str = "pillow"

    def kept_of(self, there: Size) -> Size:
        """An equal share of the images for every class: on average, as classes differ in size."""
        if kept := len(self.classes) or self.class_count:
            share = kept / there.classes if there.classes else 1
            train, test = round(there.train * share), round(there.test * share)
            there = Size(train, test, there.unlabeled, kept)
        return super().kept_of(there)


@dataclass
class Folder(ClassFolders, kind="folder"):
    """Any folder or archive of images, with or without class folders."""

    without: str = ""  # a file of names, one a line, of images that are left out

    implementation: ClassVar[str] = "stages.prepare.folders:folder"
    on_disk: ClassVar[bool] = True

    def indexed(self, pixels: int) -> bool:
        return pixels > PACK_LIMIT


@dataclass
class ImageNet(ClassFolders, kind="imagenet"):
    """Class folders in `train` and `val`."""

    implementation: ClassVar[str] = "stages.prepare.folders:folder"
    released: ClassVar[Size | None] = Size(1_281_167, 50_000, 0, 1000)

    def indexed(self, pixels: int) -> bool:
        return True
