"""The interface of all objectives."""

from __future__ import annotations

from torch import Tensor, nn

from nassl.data.crops import Crops, crops_of


class Objective(nn.Module):
    """A loss of a network, with everything it needs: views, heads, teacher, queue.

    Heads that are trained are parameters; other state (a teacher, a queue) is in buffers or in
    parameters that need no gradient, so the state dict is all that has to be saved. Views are drawn
    from torch's global generator, again at every call.
    """

    needs_labels: bool = False
    # Views of an image in `loss`; in `evaluate` as many, or one plain view if it needs labels.
    views_of_an_image: int = 2
    # Whether batch norm takes a process's own images only. Otherwise it takes those of all
    # processes, so that the number of devices does not change what is computed.
    own_statistics: bool = False

    def loss(self, network: nn.Module, images: Tensor, labels: Tensor | None) -> Tensor:
        """Mean loss, a scalar, of uint8 images (B, 3, H, W). Leaves queue and teacher as they are,
        so that an alpha step or a virtual step may call it as often as it needs to."""
        raise NotImplementedError

    def evaluate(
        self, network: nn.Module, images: Tensor, labels: Tensor | None
    ) -> dict[str, Tensor]:
        """Values per held-out image, each (B,) float64; `loss` is among them."""
        raise NotImplementedError

    def after_step(self, network: nn.Module) -> None:
        """Called after the optimizer's step: the place of moving averages and queues."""

    @property
    def crops(self) -> Crops | None:
        """The random crops that its views begin with, for image files; None if there are none."""
        views = getattr(getattr(self, "settings", None), "views", None)
        return None if views is None else crops_of(views, self.views_of_an_image)

    def trained_parameters(self) -> list[nn.Parameter]:
        """The parameters for the optimizer."""
        return [p for p in self.parameters() if p.requires_grad]
