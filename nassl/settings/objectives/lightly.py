"""Losses of the library lightly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from nassl.settings.objective import ObjectiveSettings
from nassl.settings.views import Views

# Of lightly.loss: those of two views' projections, without a teacher, a predictor, prototypes.
LIGHTLY_LOSSES = ("BarlowTwinsLoss", "DCLLoss", "DCLWLoss", "NTXentLoss", "VICRegLoss")


@dataclass
class Lightly(ObjectiveSettings, kind="lightly"):
    """A loss of the library lightly; held-out images are judged by NT-Xent, as SimCLR's are."""

    loss: str  # one of LIGHTLY_LOSSES
    arguments: dict[str, float]  # of the loss; what is left out is lightly's
    temperature: float  # of NT-Xent on held-out images
    layers: int  # of the projection, with batch norm and ReLU between them
    hidden: int  # width of the projection's hidden layers; 0 = that of the features
    projection: int  # output dimension
    views: Views

    implementation: ClassVar[str] = "nassl.objectives.lightly:LightlyObjective"
    passes: ClassVar[int] = 6
    passes_to_evaluate: ClassVar[int] = 2
    views_per_image: ClassVar[int] = 2

    def at_once(self, batch: int) -> int:
        """Both views."""
        return 2 * batch
