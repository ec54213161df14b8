"""Cross entropy: smoothing and the auxiliary head as written out by hand."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from nassl.networks.network import FeatureNetwork
from nassl.objectives.build import build_objective
from nassl.settings import SettingsError, Supervised, Views

CLASSES = 5


class WithMap(FeatureNetwork):
    """Features are channel means, the auxiliary map is the image, twice as strong."""

    feature_dim = 3
    auxiliary_shape = (3, 8, 8)

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones((), dtype=torch.float64))

    def forward(self, x):
        return x.mean((2, 3)) * self.scale

    def forward_with_auxiliary(self, x):
        return self.forward(x), 2 * x


def build(smoothing=0.0, auxiliary=0.0, network=None, classes=CLASSES):
    torch.manual_seed(0)
    settings = Supervised("supervised", smoothing, auxiliary, Views("none"))
    network = network or WithMap()
    objective = build_objective(settings, network, torch.zeros(3), torch.ones(3), classes)
    return objective.double(), network


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(1)
    images = torch.randint(0, 256, (6, 3, 8, 8), dtype=torch.uint8, generator=generator)
    return images, torch.tensor([0, 1, 2, 3, 4, 0])


def literal(logits: torch.Tensor, labels: torch.Tensor, smoothing: float) -> torch.Tensor:
    """DARTS' CrossEntropyLabelSmooth, written out."""
    total = 0.0
    for row, label in zip(logits, labels, strict=True):
        log_p = row - row.exp().sum().log()
        for k in range(CLASSES):
            target = (1 - smoothing) * (k == label) + smoothing / CLASSES
            total = total - target * log_p[k]
    return total / len(logits)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_label_smoothing(batch, smoothing):
    objective, network = build(smoothing)
    images, labels = batch
    logits = objective.classifier(network(objective.views(images).double()))
    expected = literal(logits, labels, smoothing)
    torch.testing.assert_close(objective.loss(network, images, labels), expected)
    values = objective.evaluate(network, images, labels)
    torch.testing.assert_close(values["loss"].mean(), literal(logits, labels, 0.0))
    assert values["correct"].tolist() == (logits.argmax(1) == labels).double().tolist()
    assert "correct_in_5" not in values


def test_more_than_five_classes_have_a_top5(batch):
    objective, network = build(classes=9)
    images, _ = batch
    labels = torch.tensor([0, 8, 2, 7, 4, 1])
    logits = objective.classifier(network(objective.plain(images).double()))
    above = (logits > logits.gather(1, labels[:, None])).sum(dim=1)
    found = objective.evaluate(network, images, labels)["correct_in_5"]
    assert found.tolist() == (above < 5).double().tolist()
    assert 0 < found.sum() < 6


def test_the_auxiliary_head_is_added_with_its_weight(batch):
    objective, network = build(0.1, 0.4)
    images, labels = batch
    x = objective.views(images).double()
    main = literal(objective.classifier(network(x)), labels, 0.1)
    auxiliary = literal(objective.auxiliary(2 * x), labels, 0.1)
    torch.testing.assert_close(objective.loss(network, images, labels), main + 0.4 * auxiliary)
    assert objective.evaluate(network, images, labels)["loss"].shape == (6,)
    assert build(0.1, 0.0)[0].auxiliary is None


def test_what_does_not_fit_is_refused():
    plain = nn.Linear(1, 1)
    plain.feature_dim = 3
    with pytest.raises(SettingsError, match=r"auxiliary_weight is 0.4, but this network has no"):
        build(0.0, 0.4, plain)
    with pytest.raises(SettingsError, match="at least 2 classes, not 1"):
        build(classes=1)
