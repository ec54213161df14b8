"""From settings to an objective."""

from __future__ import annotations

import torch

from nassl.networks.network import FeatureNetwork
from nassl.objectives.objective import Given, Objective
from nassl.settings import OBJECTIVES, ObjectiveSettings, SettingsError


def build_objective(
    settings: ObjectiveSettings,
    network: FeatureNetwork,
    mean: torch.Tensor,
    std: torch.Tensor,
    classes: int = 0,
    stem: str = "cifar",
    images: int = 0,
) -> Objective:
    """The objective of an `objective` section for `network`, on its device.

    The other arguments are those of `Given`. Initial weights are drawn from torch's global
    generator. Raises SettingsError if nothing can be trained with it.
    """
    if not settings.trains:
        available = sorted(name for name, kind in OBJECTIVES.items() if kind.trains)
        raise SettingsError(
            f"objective.kind is {settings.kind!r}, which trains nothing; "
            f"available: {', '.join(available)}"
        )
    implementation: type[Objective] = settings.load()
    objective = implementation.build(settings, network, Given(mean, std, classes, stem, images))
    return objective.to(next(network.parameters()).device)
