"""A loss of the library lightly on two views of every image, for people who train with one."""

from __future__ import annotations

import inspect

import torch
from torch import Tensor, nn

from nassl.data.views import RandomViews
from nassl.networks.network import FeatureNetwork
from nassl.objectives.objective import Objective
from nassl.objectives.simclr import SimCLRObjective
from nassl.parallel.distributed import gather_with_gradient
from nassl.parallel.precision import float32
from nassl.settings import Lightly, SettingsError
from nassl.settings.objectives.lightly import LIGHTLY_LOSSES


def lightly_loss(name: str, arguments: dict[str, float]) -> nn.Module:
    """`lightly.loss.<name>(**arguments)`. Raises SettingsError if the package is missing, if the
    loss is not one of two projections alone, or for an argument that is not a number of it."""
    if name not in LIGHTLY_LOSSES:
        raise SettingsError(
            f"objective.loss is {name!r}; available: {', '.join(LIGHTLY_LOSSES)}; others of lightly"
            " need more than the projections of two views: a teacher, a predictor, prototypes"
        )
    try:
        import lightly.loss
    except ImportError as error:
        raise SettingsError(
            f"objective.kind is 'lightly', which needs the package {error.name}: pip install "
            "--no-deps lightly==1.6.0 lightly-utils==0.0.2"
        ) from error
    loss = getattr(lightly.loss, name)
    known = inspect.signature(loss).parameters
    allowed = [key for key, parameter in known.items() if isinstance(parameter.default, float)]
    if unknown := sorted(set(arguments) - set(allowed)):
        raise SettingsError(
            f"objective.arguments has the unknown key {unknown[0]!r}; {name} takes: "
            f"{', '.join(allowed)}"
        )
    return loss(**arguments)


class LightlyObjective(SimCLRObjective):
    """The loss on the projections (N, D) of the first and of the second view; the projection has
    batch norm and ReLU between its layers.

    Both views go through the network as one batch of 2N, and with several processes the loss is
    that of the images of all of them, as in SimCLR. Held-out images are judged by NT-Xent and its
    margin: these have a value for every image, and one scale whatever was trained with.
    """

    def __init__(self, settings: Lightly, network: FeatureNetwork, views: RandomViews) -> None:
        Objective.__init__(self)
        self.settings, self.views = settings, views
        self.of_pairs = lightly_loss(settings.loss, settings.arguments)
        width, layers = network.feature_dim, []
        hidden = settings.hidden or width
        for _ in range(settings.layers - 1):
            # BatchNorm2d on 1x1 maps: `synchronise` knows it.
            norm = (nn.Unflatten(1, (hidden, 1, 1)), nn.BatchNorm2d(hidden), nn.Flatten())
            layers += [nn.Linear(width, hidden, bias=False), *norm, nn.ReLU(inplace=True)]
            width = hidden
        self.projection = nn.Sequential(*layers, nn.Linear(width, settings.projection))

    def loss(self, network: nn.Module, images: Tensor, labels: Tensor | None = None) -> Tensor:
        first, second = (
            gather_with_gradient(half) for half in self._project(network, images).chunk(2)
        )
        with float32(first):
            if first.dtype in (torch.float16, torch.bfloat16):
                first, second = first.float(), second.float()
            return self.of_pairs(first, second)
