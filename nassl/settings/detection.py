"""Section `detection`."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace

from nassl.settings.errors import SettingsError

TRAIN_SIDES = (0.6, 0.7, 0.8, 0.9, 1.0)  # of the test's: MoCo detection has 480 to 800 of 800
LARGEST_SIDE = 800  # pixels: Detectron2's default
LONGEST = 1333 / 800  # of the test's side: Detectron2's default
ANCHORS = 5  # sizes, as in Detectron2's C4 configs
SMALLEST_ANCHOR = 4  # pixels
REGION = 14  # cells a side: Detectron2's C4 configs, 224 pixels by a stride of 16
MILESTONES = (2 / 3, 8 / 9)  # of the iterations: Detectron2's VOC recipe, 12k and 16k of 18k


@dataclass(frozen=True)
class Annotations:
    """What a recipe is fitted to. Of the training images with a box: their number, their median
    shorter side in pixels, and the size of every box, the square root of its area, in pixels of an
    image whose shorter side is 1."""

    images: int
    side: float
    boxes: Sequence[float]


@dataclass
class Detection:
    """A detector with a C4 backbone and how it is fine-tuned (FaUNAE sec. IV.D, MoCo's configs).

    Images per batch, learning rate, iterations, milestones and warm-up are those for
    `reference_devices`; for another number of devices they are scaled together, linearly.

    With `epochs`, what is 0 or empty is taken from the annotated images and from the network
    (`fitted`).
    """

    kind: str  # faster-rcnn-c4 (boxes) | mask-rcnn-c4 (boxes and masks)
    reference_devices: int
    devices: int  # that train together: resources.transfer.gpus; 0 = the CPU
    images_per_batch: int
    learning_rate: float
    iterations: int
    milestones: list[int]  # iterations at which the rate drops by 10
    warmup_iterations: int
    momentum: float
    weight_decay: float
    train_sides: list[int]  # shorter side of a training image in pixels: one of these is drawn
    test_side: int
    longest: int  # pixels: no side is longer, in training and test
    anchor_sizes: list[int]  # pixels: square roots of areas
    anchor_ratios: list[float]  # height / width
    anchors_per_image: int  # sampled for the loss of the proposals
    proposals_train: list[int]  # kept before and after non-maximum suppression
    proposals_test: list[int]
    rois_per_image: int  # sampled for the loss of the head
    pooler_resolution: int  # cells a side that ROIAlign gives stage 5
    precise_bn_iterations: int  # batches for batch norm's statistics in the end; 0 = running ones
    epochs: float = 0.0  # over the annotated images; 0 = as many iterations as are given
    least_iterations: int = 0  # with epochs: not fewer
    times_pretraining: float = 0.0  # with epochs: sides are at most this many of pretraining's

    @property
    def is_fitted(self) -> bool:
        """Whether nothing is left to be taken from images."""
        sides = self.train_sides and self.test_side and self.longest
        return bool(self.iterations and sides and self.anchor_sizes and self.pooler_resolution)

    def fitted(self, found: Annotations, image_size: int, stride: int) -> Detection:
        """With all that is 0 or empty filled in, for images of `image_size` pixels in pretraining
        and a map of stage 4 that is `stride` times smaller than the image.

        Iterations: `epochs` over the images, at least `least_iterations`. Sides: the images' own,
        at most `times_pretraining` that of pretraining, at which a network knows its objects, and
        at most Detectron2's 800. Anchors: evenly spaced quantiles of the boxes, in place of
        YOLOv2's clusters (Redmon and Farhadi 2017, sec. 2). Regions for stage 5: as large as its
        maps in pretraining.
        Raises SettingsError for a recipe without `epochs` that lacks something.
        """
        if not self.epochs:
            if not self.is_fitted:
                raise SettingsError(UNFITTED)
            return self
        iterations = self.iterations or max(
            math.ceil(self.epochs * found.images / self.images_per_batch), self.least_iterations
        )
        milestones = sorted({int(share * iterations) for share in MILESTONES} - {0})
        known = self.times_pretraining * image_size or LARGEST_SIDE
        side = self.test_side or round(max(min(found.side, known, LARGEST_SIDE), image_size))
        return replace(
            self,
            iterations=iterations,
            milestones=self.milestones or milestones,
            train_sides=self.train_sides or [round(share * side) for share in TRAIN_SIDES],
            test_side=side,
            longest=self.longest or round(LONGEST * side),
            anchor_sizes=self.anchor_sizes or _anchors(found.boxes, side),
            pooler_resolution=self.pooler_resolution or min(max(image_size // stride, 2), REGION),
        )


UNFITTED = (
    "detection: iterations, train_sides, test_side, longest, anchor_sizes and pooler_resolution "
    "are needed; with detection.epochs above 0, what is 0 or [] is taken from the images"
)


def _anchors(boxes: Sequence[float], side: int) -> list[int]:
    """The 10, 30, 50, 70 and 90 % quantiles in pixels, equal ones once."""
    sizes = [side * size for size in boxes]
    if len(sizes) > 1:
        sizes = statistics.quantiles(sizes, n=2 * ANCHORS, method="inclusive")[::2]
    return sorted({max(round(size), SMALLEST_ANCHOR) for size in sizes})
