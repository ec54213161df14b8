"""SimCLR's loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from nassl.settings.objective import ObjectiveSettings
from nassl.settings.views import Views


@dataclass
class SimCLR(ObjectiveSettings, kind="simclr"):
    """NT-Xent over two views of every image (SSNAS sec. 3.4)."""

    temperature: float
    hidden: int  # width of the projection's hidden layer; 0 = that of the features
    projection: int  # output dimension
    views: Views

    implementation: ClassVar[str] = "nassl.objectives.simclr:SimCLRObjective"
    loss_name: ClassVar[str] = "contrastive"
    passes: ClassVar[int] = 6
    passes_to_evaluate: ClassVar[int] = 2
    views_per_image: ClassVar[int] = 2

    def at_once(self, batch: int) -> int:
        """Both views."""
        return 2 * batch
