"""Linear evaluation of a frozen network, and k nearest neighbours on the same features."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from nassl.data.batches import Batches
from nassl.data.crops import crops_of
from nassl.data.views import PlainView, RandomViews
from nassl.objectives.objective import Objective
from nassl.parallel.processes import rank, world_size
from nassl.settings import Linear
from nassl.training.checkpoint import Checkpoint
from nassl.training.features import extract, mean_norm
from nassl.training.loop import train
from nassl.training.optimisers import build_optimizer
from nassl.training.seeds import seed_step
from stages.probe.data import LabelledData
from stages.probe.frozen import Features, FrozenNetwork, deterministic, left_unchanged
from stages.probe.neighbours import knn_predict
from stages.training.curves import WrittenCurves

LARGE, COLUMNS = 2**27, 64  # numbers in a bank of features: a GB in double precision; dimensions


@dataclass(frozen=True)
class LinearResult:
    """Accuracies are fractions of the test images; `feature_norm` is the mean over the training
    images, `fingerprint` that of the frozen network."""

    accuracy: float
    knn_accuracy: float
    feature_norm: float
    fingerprint: str


class LinearProbe(Objective):
    """Cross entropy of the classifier (the network of the loop) on the features of a batch.

    `frozen` makes them from images; None says that the batches are features already.
    """

    def __init__(self, frozen: FrozenNetwork | None) -> None:
        super().__init__()
        self.frozen = frozen

    def loss(self, network: nn.Module, images: Tensor, labels: Tensor | None) -> Tensor:
        return cross_entropy(network(self.frozen(images) if self.frozen else images), labels)


class Standardise(nn.Module):
    """Features to mean 0 and standard deviation 1 over the training images, each dimension.

    An affine map before a linear classifier: what can be expressed stays the same, but a learning
    rate works whatever the scale of the features, those of random weights included.
    """

    def __init__(self, features: Tensor) -> None:
        super().__init__()
        # Of some dimensions at a time where a copy of all in double precision would take GBs.
        parts = features.split(COLUMNS, dim=1) if features.numel() > LARGE else [features]
        found = [torch.std_mean(part.double(), dim=0, correction=0) for part in parts]
        std, mean = (torch.cat(values) for values in zip(*found, strict=True))
        # A dimension without variance (a dead channel) stays 0 instead of being blown up.
        alive = std > 1e-6 * std.max()
        self.register_buffer("scale", torch.where(alive, 1 / std, 0.0).float())
        self.register_buffer("mean", mean.float())

    def forward(self, features: Tensor) -> Tensor:
        return (features - self.mean) * self.scale


def build_classifier(features: Tensor, classes: int, seed: int, standardise: bool) -> nn.Module:
    """Weights from N(0, 0.01), biases 0, as MoCo's linear classifier has them (main_lincls.py)."""
    seed_step(seed, 0, 0, "classifier")
    linear = nn.Linear(features.shape[1], classes)
    nn.init.normal_(linear.weight, std=0.01)
    nn.init.zeros_(linear.bias)
    return nn.Sequential(Standardise(features), linear) if standardise else linear


def evaluate_linearly(
    network: nn.Module,
    protocol: Linear,
    data: LabelledData,
    seed: int,
    checkpoint: Checkpoint,
    curves: WrittenCurves,
    label: str,
) -> LinearResult:
    """Trains a linear classifier on the pooled features of all training images and tests the last
    epoch's once (SSNAS sec. 4.1).

    If the protocol's views are not random, features are computed once. The test features and those
    of the neighbours are of the plain view. Raises RuntimeError if the network was changed.
    """
    recipe, device = protocol.recipe, next(network.parameters()).device
    statistics = data.train.mean, data.train.std
    plain = PlainView(*statistics, protocol.views.size)
    with left_unchanged(network) as frozen_fingerprint:
        bank, queries = (
            extract(network, plain, part, np.arange(len(part)), recipe.batch_size)
            for part in (data.train, data.test)
        )
        if deterministic(protocol.views):
            source, frozen = Features(bank), None
        else:
            source = data.train
            frozen = FrozenNetwork(network, RandomViews(protocol.views, *statistics))
        batches = Batches(
            source, data.train_labels, np.arange(len(source)), recipe.batch_size, seed,
            device=device, part=(rank(), world_size()), crops=crops_of(protocol.views, 1),
        )  # fmt: skip
        classifier = build_classifier(bank, data.classes, seed, protocol.standardise).to(device)
        optimizer = build_optimizer(recipe, classifier.parameters())
        train(
            classifier, LinearProbe(frozen), optimizer, batches, recipe, seed,
            checkpoint, curves, label=label,
        )  # fmt: skip
        with torch.no_grad():
            parts = queries.split(recipe.batch_size)
            logits = torch.cat([classifier(part.to(device)).cpu() for part in parts])
    voted = knn_predict(
        bank.to(device),
        data.train_labels.to(device),
        queries.to(device),
        protocol.neighbours,
        protocol.neighbour_temperature,
        data.classes,
    )
    return LinearResult(
        accuracy=_share_equal(logits.argmax(dim=1), data.test_labels),
        knn_accuracy=_share_equal(voted.cpu(), data.test_labels),
        feature_norm=mean_norm(bank),
        fingerprint=frozen_fingerprint,
    )


def _share_equal(predicted: Tensor, labels: Tensor) -> float:
    return (predicted == labels).double().mean().item()
