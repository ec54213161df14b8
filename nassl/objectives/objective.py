"""The interface of all objectives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from torch import Tensor, nn

from nassl.data.views import RandomViews
from nassl.networks.network import FeatureNetwork


@dataclass(frozen=True)
class Given:
    """What an objective is built for: `mean` and `std` (3,) normalise the images, `classes` is the
    number of classes where labels are used, `stem` that of the network (an auxiliary head depends
    on it), `images` the number of training images (0 = unknown)."""

    mean: Tensor
    std: Tensor
    classes: int = 0
    stem: str = "cifar"
    images: int = 0


class Objective(nn.Module):
    """A loss of a network, with everything it needs: views, heads, teacher, queue.

    Heads that are trained are parameters; other state (a teacher, a queue) is in buffers or in
    parameters that need no gradient, so the state dict is all that has to be saved. Views are drawn
    from torch's global generator, again at every call.
    """

    # Whether batch norm takes a process's own images only. Otherwise it takes those of all
    # processes, so that the number of devices does not change what is computed.
    own_statistics: bool = False

    @classmethod
    def build(cls, settings: Any, network: FeatureNetwork, given: Given) -> Self:
        """The objective of the settings, which random views are enough for."""
        return cls(settings, network, RandomViews(settings.views, given.mean, given.std))

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

    def trained_parameters(self) -> list[nn.Parameter]:
        """The parameters for the optimizer."""
        return [p for p in self.parameters() if p.requires_grad]
