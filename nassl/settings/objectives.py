"""Section `objective`, one kind per loss."""

from __future__ import annotations

from dataclasses import dataclass

from nassl.settings.views import Views


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


# Of lightly.loss: those of two views' projections, without a teacher, a predictor, prototypes.
LIGHTLY_LOSSES = ("BarlowTwinsLoss", "DCLLoss", "DCLWLoss", "NTXentLoss", "VICRegLoss")


@dataclass
class Lightly:
    """A loss of the library lightly; held-out images are judged by NT-Xent, as SimCLR's are."""

    kind: str  # lightly
    loss: str  # one of LIGHTLY_LOSSES
    arguments: dict[str, float]  # of the loss; what is left out is lightly's
    temperature: float  # of NT-Xent on held-out images
    layers: int  # of the projection, with batch norm and ReLU between them
    hidden: int  # width of the projection's hidden layers; 0 = that of the features
    projection: int  # output dimension
    views: Views


OBJECTIVES = {
    "none": NoObjective,
    "supervised": Supervised,
    "simclr": SimCLR,
    "moco": MoCo,
    "lightly": Lightly,
}
