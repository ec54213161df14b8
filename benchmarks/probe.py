"""What `probe` measures, against what is usually written for it.

Claims (other / ours, wall time):
  knn            2000 queries against 10000 features of 512 dimensions, 200 weighted votes each;
                 the other side is scikit-learn's KNeighborsClassifier (brute force, cosine), which
                 votes the same (checked)
  linear_probe   linear evaluation with a fixed view, 10 epochs over 512 images: ours
                 (`evaluate_linearly`) computes features once and trains on them. The other side is
                 the usual loop of MoCo's main_lincls.py: images through a DataLoader with
                 per-image transforms and through the frozen network in every epoch. Both test at
                 the end; ours gives kNN accuracy as well. The ratio grows with the epochs
  linear_probe_random_views
                 the same with random crops and flips, where features cannot be kept: the frozen
                 network works as often on both sides

The network is the toy plan's ResNet-18 (16 channels, 32x32 images). Example:
`python -m benchmarks.probe knn` (a few seconds).
"""

from __future__ import annotations

import contextlib
import io
import tempfile
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from benchmarks.measure import command, compare, interleaved
from benchmarks.prepared import prepared_images
from nassl.networks.resnet import ResNet
from nassl.settings import Linear, Network, Recipe, Views
from nassl.training.checkpoint import Checkpoints
from stages.probe.data import LabelledData
from stages.probe.linear import evaluate_linearly
from stages.probe.neighbours import knn_predict
from stages.training.curves import WrittenCurves

BANK, QUERIES, DIMENSIONS, CLASSES, NEIGHBOURS, TEMPERATURE = 10_000, 2_000, 512, 10, 200, 0.1
TRAIN, TEST, SIDE, BATCH, EPOCHS = 512, 128, 32, 128, 10
FIXED = Views("none")
RANDOM = Views("resized", crop_scale=[0.08, 1.0], crop_ratio=[3 / 4, 4 / 3], flip=0.5)


def knn(rounds: int) -> None:
    from sklearn.neighbors import KNeighborsClassifier

    random = torch.Generator().manual_seed(0)
    labels = torch.randint(CLASSES, (BANK,), generator=random)
    centres = torch.randn(CLASSES, DIMENSIONS, generator=random)
    bank = centres[labels] + 4 * torch.randn(BANK, DIMENSIONS, generator=random)
    asked = torch.randint(CLASSES, (QUERIES,), generator=random)
    queries = centres[asked] + 4 * torch.randn(QUERIES, DIMENSIONS, generator=random)
    peer = KNeighborsClassifier(
        NEIGHBOURS,
        metric="cosine",
        algorithm="brute",
        weights=lambda distance: np.exp(-distance / TEMPERATURE),
    )

    def ours() -> torch.Tensor:
        return knn_predict(bank, labels, queries, NEIGHBOURS, TEMPERATURE, CLASSES)

    def other() -> np.ndarray:
        return peer.fit(bank.numpy(), labels.numpy()).predict(queries.numpy())

    equal = (ours().numpy() == other()).mean()
    timings = interleaved({"ours": ours, "other": other}, rounds)
    compare(
        "knn",
        timings["ours"],
        timings["other"],
        2 * BANK * QUERIES * DIMENSIONS,
        packages=("scikit-learn",),
        note=f"{equal:.1%} of the predictions equal",
    )


class Pictures(torch.utils.data.Dataset):
    """Images in memory, transformed one by one, with their labels."""

    def __init__(self, pixels: np.ndarray, labels: torch.Tensor, transform: Callable) -> None:
        self.pixels, self.labels, self.transform = pixels, labels, transform

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        from PIL import Image

        return self.transform(Image.fromarray(self.pixels[index])), int(self.labels[index])


def usual_probe(
    network: nn.Module, data: LabelledData, recipe: Recipe, random: bool
) -> Callable[[], float]:
    """The accuracy that the usual loop finds."""
    from torchvision.transforms import v2

    last = [
        v2.ToImage(),
        v2.ToDtype(torch.float32, scale=True),
        v2.Normalize(data.train.mean.tolist(), data.train.std.tolist()),
    ]
    first = [v2.RandomResizedCrop(SIDE, (0.08, 1.0)), v2.RandomHorizontalFlip()] if random else []

    def loader(part: str, transform: list, shuffle: bool) -> torch.utils.data.DataLoader:
        images, labels = getattr(data, part), getattr(data, f"{part}_labels")
        pixels = images.batch(np.arange(len(images))).permute(0, 2, 3, 1).contiguous().numpy()
        pictures = Pictures(pixels, labels, v2.Compose(transform))
        return torch.utils.data.DataLoader(pictures, BATCH, shuffle=shuffle)

    train, test = loader("train", first + last, True), loader("test", last, False)
    network.eval().requires_grad_(False)

    def probe() -> float:
        classifier = nn.Linear(network.feature_dim, CLASSES)
        optimizer = torch.optim.SGD(
            classifier.parameters(), recipe.learning_rate, momentum=recipe.momentum
        )
        for _ in range(recipe.epochs):
            for images, labels in train:
                loss = cross_entropy(classifier(network(images)), labels)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
        with torch.no_grad():
            right = [(classifier(network(x)).argmax(1) == y).sum() for x, y in test]
        return float(sum(right)) / len(data.test)

    return probe


def _linear(claim: str, views: Views, rounds: int) -> None:
    torch.manual_seed(0)
    network = ResNet(18, Network("cifar", 16, 0))
    recipe = Recipe(EPOCHS, BATCH, "sgd", 0.1, "constant", 0.0, momentum=0.9)
    protocol = Linear("linear", views, recipe, NEIGHBOURS, TEMPERATURE)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        parts = prepared_images(folder / "images", {"train": TRAIN, "test": TEST}, SIDE)
        labels = {part: torch.randint(CLASSES, (len(parts[part]),)) for part in parts}
        data = LabelledData(parts["train"], labels["train"], parts["test"], labels["test"], CLASSES)

        def ours() -> None:
            with (
                Checkpoints(folder / "checkpoints", "benchmark") as checkpoints,
                contextlib.redirect_stderr(io.StringIO()),
            ):
                curves = WrittenCurves(folder / "curves")
                evaluate_linearly(network, protocol, data, 0, checkpoints.part(), curves, claim)

        other = usual_probe(deepcopy(network), data, recipe, views is RANDOM)
        timings = interleaved({"ours": ours, "other": other}, rounds)
    note = f"{EPOCHS} epochs of {TRAIN} images"
    compare(claim, timings["ours"], timings["other"], packages=("torchvision",), note=note)


def linear_probe(rounds: int) -> None:
    _linear("linear_probe", FIXED, rounds)


def linear_probe_random_views(rounds: int) -> None:
    _linear("linear_probe_random_views", RANDOM, rounds)


CLAIMS = {f.__name__: f for f in (knn, linear_probe, linear_probe_random_views)}


if __name__ == "__main__":
    command(__doc__, CLAIMS, rounds=3)
