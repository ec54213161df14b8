"""MoCo's loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from nassl.settings.errors import SettingsError
from nassl.settings.objective import ObjectiveSettings
from nassl.settings.views import Views

# images: batch norms that see one value per image (split attention, projections) need statistics
SMALLEST_GROUP = 4


@dataclass
class MoCo(ObjectiveSettings, kind="moco"):
    """InfoNCE against a queue of keys that a slowly moving teacher wrote (FaUNAE eqs. 6, 7).

    Versions 1 and 2 differ in head, temperature and views: settings, not code.
    """

    temperature: float
    momentum: float  # m of eq. 7
    queue: int  # keys; never more than there are training images
    head: str  # linear (v1) | mlp (v2)
    hidden: int  # width of the MLP's hidden layer; 0 = that of the features
    projection: int  # output dimension
    groups: int  # parts of a batch with batch norm statistics of their own (shuffling BN)
    views: Views

    implementation: ClassVar[str] = "nassl.objectives.moco:MoCoObjective"
    loss_name: ClassVar[str] = "contrastive"
    passes: ClassVar[int] = 4  # the second view goes through the teacher alone
    passes_to_evaluate: ClassVar[int] = 2
    views_per_image: ClassVar[int] = 2
    copies: ClassVar[int] = 2  # the teacher

    def at_once(self, batch: int) -> int:
        return batch // self.groups

    def kept(self) -> int:
        return self.queue * self.projection

    def check(self, where: str, batch: int, images: int | None) -> None:
        if self.groups < 1 or batch < SMALLEST_GROUP * self.groups:
            raise SettingsError(
                f"{where}: objective.groups is {self.groups}, recipe.batch_size {batch}; every "
                f"group needs at least {SMALLEST_GROUP} images for its batch norm; at least one "
                "group"
            )
        if images is not None and not 1 <= self.queue <= images:
            raise SettingsError(
                f"{where}: objective.queue is {self.queue}; the run trains on {images} images, and "
                f"the queue holds one key of each; allowed: 1 to {images}"
            )
