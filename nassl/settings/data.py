"""Section `data`: what is known of every kind, each of which is in `datasets/`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from nassl.settings.kind import Kind


@dataclass(frozen=True)
class Size:
    """Numbers of images and classes. `label_free` images are those that search and pretraining
    without labels may use."""

    train: int
    test: int
    unlabeled: int
    classes: int  # 0: no labels

    @property
    def label_free(self) -> int:
        return self.unlabeled or self.train


@dataclass
class Data(Kind):
    """What `prepare` turns into images and labels.

    `implementation` is a function `(Data) -> Prepared`; of a kind with boxes `(Data, folder) ->
    Annotated`, where generated files may be written to the folder.
    """

    image_size: int = 0  # side in pixels after preparation; 0 for voc and coco: as they are
    seed: int = 0  # of drawing, of the recorded order, of splits
    root: str = ""  # where real data lies, or is downloaded to
    download: bool = False
    on_error: str = "stop"  # stop | skip: an image that cannot be read
    train: int = 0  # images; 0 = all
    test: int = 0
    unlabeled: int = 0  # an extra pool without labels (digits, stl10)
    test_fraction: float = 0.0  # folder without a test part: the share that becomes one
    unlabeled_with_train: bool = False  # folder: the images of train are in that pool, too

    released: ClassVar[Size | None] = None  # all that its publisher released
    drawn_classes: ClassVar[int] = 0  # of generated images
    on_disk: ClassVar[bool] = False  # whether the files under `root` are counted to know its size
    own_sizes: ClassVar[bool] = False  # whether images may keep their sizes: image_size 0
    boxes: ClassVar[bool] = False  # for transfer only
    masks: ClassVar[bool] = False

    def needed(self) -> tuple[str, ...]:
        return ("implementation",)

    def size(self) -> Size | None:
        """What `prepare` will keep, known without looking: of a release or of generated images."""
        if self.drawn_classes:
            return Size(self.train, self.test, self.unlabeled, self.drawn_classes)
        return self.kept_of(self.released) if self.released and not self.boxes else None

    def kept_of(self, there: Size) -> Size:
        """What `prepare` will keep of all images that are there."""
        test = there.test or round(there.train * self.test_fraction)
        train = there.train if there.test else there.train - test
        pool = there.unlabeled
        if pool and self.unlabeled_with_train:
            pool += train
        return Size(self.train or train, self.test or test, self.unlabeled or pool, there.classes)

    def indexed(self, pixels: int) -> bool:
        """Whether so many bytes of pixels are left where they are instead of being copied."""
        return False
