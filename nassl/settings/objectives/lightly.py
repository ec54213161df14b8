"""Losses of the library lightly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from nassl.settings.objectives.simclr import SimCLR

# Of lightly.loss: those of two views' projections, without a teacher, a predictor, prototypes.
LIGHTLY_LOSSES = ("BarlowTwinsLoss", "DCLLoss", "DCLWLoss", "NTXentLoss", "VICRegLoss")
WITHOUT_UNIT = ("BarlowTwinsLoss", "VICRegLoss")  # sums of squares; the others are logarithms


@dataclass(kw_only=True)
class Lightly(SimCLR, kind="lightly"):
    """A loss of the library lightly on SimCLR's views; held-out images are judged by its NT-Xent,
    whose `temperature` this is. `hidden` is the width of all of the projection's hidden layers."""

    loss: str  # one of LIGHTLY_LOSSES
    arguments: dict[str, float]  # of the loss; what is left out is lightly's
    layers: int  # of the projection, with batch norm and ReLU between them

    implementation: ClassVar[str] = "nassl.objectives.lightly:LightlyObjective"
    loss_name: ClassVar[str] = ""  # not on SimCLR's scale

    @classmethod
    def unit(cls, loss: str = "") -> str:
        return "" if loss in WITHOUT_UNIT else "nats"
