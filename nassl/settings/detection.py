"""Section `detection`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Detection:
    """A detector with a C4 backbone and how it is fine-tuned (FaUNAE sec. IV.D, MoCo's configs).

    Images per batch, learning rate, iterations, milestones and warm-up are those for
    `reference_devices`; for another number of devices they are scaled together, linearly.
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
