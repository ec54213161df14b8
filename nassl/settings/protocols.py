"""Section `protocol`: how representations are judged."""

from __future__ import annotations

from dataclasses import dataclass

from nassl.settings.recipe import Recipe
from nassl.settings.views import Views


@dataclass
class NoProtocol:
    kind: str  # none: not evaluated this way


@dataclass
class Linear:
    """Frozen network (batch norm in eval mode), linear classifier on pooled features, all labels.

    The same on random weights is measured beside it, and k-nearest neighbours on the same features.
    """

    kind: str  # linear
    views: Views
    recipe: Recipe
    neighbours: int
    neighbour_temperature: float
    # Features to mean 0 and deviation 1 over the training images: an affine map before a linear
    # classifier, so that its learning rate works on features of any scale.
    standardise: bool = False


@dataclass
class FineTune:
    """Whole network trained on a stratified share of the labels."""

    kind: str  # finetune
    label_fraction: float
    views: Views
    recipe: Recipe


PROTOCOLS = {"none": NoProtocol, "linear": Linear, "finetune": FineTune}
