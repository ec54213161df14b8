"""The settings that a plan may contain: one dataclass per section of params.yaml, checked by type.

A section that comes in kinds (a strategy, an objective, ...) has one dataclass per kind, so that a
key that does not belong to the kind is refused instead of being ignored. Values and their sources
stand in `workflow/config/`; a default here only switches something off.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


class SettingsError(ValueError):
    """A plan that cannot be carried out: names the key, what was given and what is allowed."""


# ---------------------------------------------------------------- data ----

# Kinds with boxes and masks, for transfer: on disk in the genuine layouts, or generated in them.
ANNOTATED = ("voc", "coco", "scenes-voc", "scenes-coco")


@dataclass
class Data:
    """What `prepare` turns into images and labels."""

    kind: str  # digits, shapes, cifar10, cifar100, stl10, imagenet, folder, or one of ANNOTATED
    image_size: int = 0  # side in pixels after preparation; 0 for voc and coco: as they are
    seed: int = 0  # of drawing, of the recorded order, of splits
    root: str = ""  # where real data lies, or is downloaded to
    download: bool = False
    on_error: str = "stop"  # stop | skip: an image that cannot be read
    train: int = 0  # images; 0 = all there are
    test: int = 0
    unlabeled: int = 0  # an extra pool without labels (digits, stl10)
    test_fraction: float = 0.0  # folder without a test part: the share that becomes one


# --------------------------------------------------- spaces and networks ----


@dataclass
class CellSpace:
    """DARTS' cell space and the size of its supernet (SSNAS sec. 4.1)."""

    kind: str  # cell
    channels: int
    cells: int
    stem: str  # cifar | imagenet


@dataclass
class FixedSpace:
    """A published network: nothing to search."""

    kind: str  # resnet
    depth: int  # 18 | 50


@dataclass
class BlockSpace:
    """FaUNAE's chain of bottlenecks for ImageNet and its search network's size (sec. III.A)."""

    kind: str  # block
    channels: int  # of the stem: 64 is ResNet-50's width, 32 the search network's
    depths: list[int]  # blocks in each of the stages; ResNet-50 has 3, 4, 6, 3
    stem: str  # cifar | imagenet


@dataclass
class DenseSpace:
    """FaUNAE's cells for CIFAR-10, an operation on each of the 14 edges (sec. III.A, IV.C.1)."""

    kind: str  # dense
    channels: int
    cells: int
    stem: str  # cifar | imagenet
    edges: str  # all | top2: edges per node that the found genotype keeps


SPACES = {"cell": CellSpace, "resnet": FixedSpace, "block": BlockSpace, "dense": DenseSpace}


@dataclass
class Network:
    """Size of the discrete network that is built from a genotype."""

    stem: str  # cifar | imagenet
    channels: int = 0  # cells: channels of the first cell; resnet: 64 unless given
    cells: int = 0  # cells only


# --------------------------------------------------------------- strategy ----


@dataclass
class Darts:
    kind: str  # darts
    order: int  # 1 | 2
    separate_sets: bool  # False: all samples for both steps (SSNAS sec. 4.4)
    validation_fraction: float
    alpha_learning_rate: float
    alpha_betas: list[float]
    alpha_weight_decay: float


@dataclass
class Random:
    kind: str  # random: a uniformly drawn genotype


@dataclass
class Manual:
    kind: str  # manual: the network that the space names


@dataclass
class Evolution:
    """FaUNAE's evolution with elimination (Alg. 1). The recipe's epochs must be `initial_epochs` +
    `elimination_epochs` times the sum of 2..K (sec. IV.B)."""

    kind: str  # evolution
    validation_fraction: float
    elimination_epochs: int  # E: an operation per block is dropped every K * E epochs
    initial_epochs: int  # training of the initial structure before the first mutation
    epsilon: float  # eq. 1, at the start
    final_epsilon: float  # reached linearly in the last epoch
    mutation_weight: float  # lambda_1, eq. 3
    loss_decay: float  # lambda_2, eq. 4
    depth_mutation: float  # probability per epoch that one block is set to identity


@dataclass
class Proxyless:
    """ProxylessNAS: one sampled path for the weights, two for the architecture."""

    kind: str  # proxyless
    validation_fraction: float
    warmup_epochs: int  # in which only the weights are trained
    alpha_learning_rate: float
    alpha_betas: list[float]
    alpha_weight_decay: float


STRATEGIES = {
    "darts": Darts,
    "random": Random,
    "manual": Manual,
    "evolution": Evolution,
    "proxyless": Proxyless,
}


# -------------------------------------------------------------- objective ----


@dataclass
class Views:
    """Random augmentation of a training image; every probability is per image."""

    crop: str  # resized (random resized crop) | padded (pad, then crop) | none
    crop_scale: list[float] = field(default_factory=lambda: [1.0, 1.0])  # share of the area
    crop_ratio: list[float] = field(default_factory=lambda: [1.0, 1.0])  # width / height
    padding: int = 0  # pixels, crop: padded
    flip: float = 0.0  # probability
    jitter: float = 0.0  # probability of colour jitter
    brightness: float = 0.0  # jitter ranges as in torchvision's ColorJitter
    contrast: float = 0.0
    saturation: float = 0.0
    hue: float = 0.0
    grayscale: float = 0.0  # probability
    blur: float = 0.0  # probability
    blur_sigma: list[float] = field(default_factory=lambda: [0.1, 2.0])  # pixels
    cutout: int = 0  # side of the erased square in pixels; 0 = none
    size: int = 0  # side of a view in pixels; 0 = that of the prepared images


@dataclass
class NoObjective:
    kind: str  # none: nothing is trained


@dataclass
class Supervised:
    """Cross entropy; labels are read."""

    kind: str  # supervised
    label_smoothing: float
    auxiliary_weight: float  # of the auxiliary head's loss; 0 = no such head
    views: Views


@dataclass
class SimCLR:
    """NT-Xent over two views of every image (SSNAS sec. 3.4)."""

    kind: str  # simclr
    temperature: float
    hidden: int  # width of the projection's hidden layer; 0 = that of the features
    projection: int  # output dimension
    views: Views


@dataclass
class MoCo:
    """InfoNCE against a queue of keys that a slowly moving teacher wrote (FaUNAE eqs. 6, 7).

    Versions 1 and 2 differ in head, temperature and views: settings, not code.
    """

    kind: str  # moco
    temperature: float
    momentum: float  # m of eq. 7
    queue: int  # keys; never more than there are training images
    head: str  # linear (v1) | mlp (v2)
    hidden: int  # width of the MLP's hidden layer; 0 = that of the features
    projection: int  # output dimension
    groups: int  # parts of a batch with batch norm statistics of their own (shuffling BN)
    views: Views


OBJECTIVES = {"none": NoObjective, "supervised": Supervised, "simclr": SimCLR, "moco": MoCo}


# ------------------------------------------------------ recipe and protocol ----


@dataclass
class Recipe:
    """How weights are trained."""

    epochs: int
    batch_size: int
    optimizer: str  # sgd | adam
    learning_rate: float
    schedule: str  # cosine | constant | steps | exponential
    weight_decay: float
    final_learning_rate: float = 0.0  # cosine
    momentum: float = 0.0  # sgd
    milestones: list[int] = field(
        default_factory=list
    )  # steps: epochs at which the rate drops by 10
    decay: float = 1.0  # exponential: the rate's factor from epoch to epoch
    warmup_epochs: int = 0
    precision: str = "float32"  # of the network's products in training: float32 | bfloat16
    clip: float = 0.0  # gradient norm; 0 = off
    drop_path: float = 0.0  # final probability, raised linearly from 0
    validation_fraction: float = 0.0  # share of the recorded order held out (score)


@dataclass
class NoProtocol:
    kind: str  # none: not evaluated this way


@dataclass
class Linear:
    """Frozen network (batch norm in eval mode), linear classifier on pooled features, all labels.

    The same on random weights is measured beside it, and k-nearest neighbours on the same features.
    """

    kind: str  # linear
    views: Views
    recipe: Recipe
    neighbours: int
    neighbour_temperature: float
    # Features to mean 0 and deviation 1 over the training images: an affine map before a linear
    # classifier, so that its learning rate works on features of any scale.
    standardise: bool = False


@dataclass
class FineTune:
    """Whole network trained on a stratified share of the labels."""

    kind: str  # finetune
    label_fraction: float
    views: Views
    recipe: Recipe


PROTOCOLS = {"none": NoProtocol, "linear": Linear, "finetune": FineTune}


# --------------------------------------------------------------- detection ----


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


# ----------------------------------------------------------------- reading ----

SECTIONS: dict[str, Any] = {
    "data": Data,
    "space": SPACES,
    "network": Network,
    "strategy": STRATEGIES,
    "objective": OBJECTIVES,
    "recipe": Recipe,
    "protocol": PROTOCOLS,
    "detection": Detection,
}
