"""From settings to an objective."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from nassl.data.views import PlainView, RandomViews
from nassl.objectives.objective import Objective
from nassl.settings import SettingsError


def _supervised(
    settings: Any, network: nn.Module, mean: Any, std: Any, classes: int, stem: str, **_: Any
) -> Objective:
    from nassl.objectives.supervised import SupervisedObjective

    if classes < 2:
        raise SettingsError(f"a supervised objective needs at least 2 classes, not {classes}")
    plain = PlainView(mean, std, settings.views.size)
    views = RandomViews(settings.views, mean, std)
    return SupervisedObjective(settings, network, views, plain, classes, stem)


def _moco(
    settings: Any, network: nn.Module, mean: Any, std: Any, images: int, **_: Any
) -> Objective:
    from nassl.objectives.moco import MoCoObjective

    return MoCoObjective(settings, network, RandomViews(settings.views, mean, std), images)


def _simclr(settings: Any, network: nn.Module, mean: Any, std: Any, **_: Any) -> Objective:
    from nassl.objectives.simclr import SimCLRObjective

    return SimCLRObjective(settings, network, RandomViews(settings.views, mean, std))


def _lightly(settings: Any, network: nn.Module, mean: Any, std: Any, **_: Any) -> Objective:
    from nassl.objectives.lightly import LightlyObjective

    return LightlyObjective(settings, network, RandomViews(settings.views, mean, std))


BUILDERS = {"supervised": _supervised, "simclr": _simclr, "moco": _moco, "lightly": _lightly}


def needs_labels(settings: Any) -> bool:
    """Whether the objective of an `objective` section reads labels."""
    return settings.kind == "supervised"


def build_objective(
    settings: Any,
    network: nn.Module,
    mean: torch.Tensor,
    std: torch.Tensor,
    classes: int = 0,
    stem: str = "cifar",
    images: int = 0,
) -> Objective:
    """The objective of an `objective` section for `network` (with `feature_dim`), on its device.

    `mean` and `std` (3,) normalise the images, `classes` is the number of classes where labels are
    used, `stem` that of the network (the auxiliary head depends on it), `images` the number of
    training images (0 = unknown; a queue is never longer). Initial weights are drawn from torch's
    global generator. Raises SettingsError if nothing can be trained with it.
    """
    if settings.kind not in BUILDERS:
        raise SettingsError(
            f"objective.kind is {settings.kind!r}, which trains nothing; "
            f"available: {', '.join(sorted(BUILDERS))}"
        )
    rest = {"classes": classes, "stem": stem, "images": images}
    objective = BUILDERS[settings.kind](settings, network, mean, std, **rest)
    return objective.to(next(network.parameters()).device)
