"""Cross entropy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from nassl.settings.objective import ObjectiveSettings
from nassl.settings.views import Views


@dataclass
class Supervised(ObjectiveSettings, kind="supervised"):
    """Cross entropy; labels are read."""

    label_smoothing: float
    auxiliary_weight: float  # of the auxiliary head's loss; 0 = no such head
    views: Views

    implementation: ClassVar[str] = "nassl.objectives.supervised:SupervisedObjective"
    needs_labels: ClassVar[bool] = True
    loss_name: ClassVar[str] = "cross entropy"
    passes: ClassVar[int] = 3
    passes_to_evaluate: ClassVar[int] = 1
    views_per_image: ClassVar[int] = 1

    def has_auxiliary(self) -> bool:
        return self.auxiliary_weight > 0
