"""Section `objective`: what is known of every kind, each of which is in `objectives/`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from nassl.settings.kind import Kind


@dataclass
class ObjectiveSettings(Kind):
    """A loss. `implementation` is a subclass of `nassl.objectives.objective.Objective`.

    One that trains has a field `views`, the random views of an image.
    """

    trains: ClassVar[bool] = True
    needs_labels: ClassVar[bool] = False
    loss_name: ClassVar[str] = ""  # in the report: losses of one name can be compared; "": the kind
    # Forward passes through the network per image of a training step (a backward pass counts as
    # two), and to evaluate an image; views that are drawn of an image in either case.
    passes: ClassVar[int]
    passes_to_evaluate: ClassVar[int]
    views_per_image: ClassVar[int]
    copies: ClassVar[int] = 1  # of the network's weights that a training leaves behind

    def needed(self) -> tuple[str, ...]:
        if not self.trains:
            return ()
        return "implementation", "views", "passes", "passes_to_evaluate", "views_per_image"

    @classmethod
    def unit(cls, loss: str = "") -> str:
        """The unit of the training loss; "" for one without. `loss` is the section's key of that
        name, for kinds that have several."""
        return "nats"

    def at_once(self, batch: int) -> int:
        """Images that go through the network together, of a batch of so many."""
        return batch

    def recomputed(self) -> int:
        """Forward passes per image of a training step that are made again for the gradient."""
        return 0

    def kept(self) -> int:
        """Numbers that a training leaves behind besides the network's weights; small ones aside."""
        return 0

    def has_auxiliary(self) -> bool:
        """Whether the network needs a map for an auxiliary head."""
        return False

    def check(self, where: str, batch: int, images: int | None) -> None:
        """Raises SettingsError for settings that cannot work together with batches of `batch`, or
        with the number of training images, if that is known."""
