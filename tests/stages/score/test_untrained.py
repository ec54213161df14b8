"""Scores without training: against hand-computed values and the literal formulas."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest
import torch
from torch import nn

from nassl.files import read_json
from nassl.genotypes.block import resnet50
from nassl.genotypes.cell import random_genotype
from nassl.genotypes.dense import random_dense
from nassl.networks.build import build_network
from nassl.networks.network import FeatureNetwork
from nassl.settings import Network
from stages.score.__main__ import score
from stages.score.untrained import correlation_score, jacobian_covariance, synflow


class TwoLayers(FeatureNetwork):
    """3 -> 2 -> 2 channels by 1x1 convolutions, with batch norm between them."""

    feature_dim = 2

    def __init__(self) -> None:
        super().__init__()
        self.one = nn.Conv2d(3, 2, 1, bias=False)
        self.norm = nn.BatchNorm2d(2)
        self.two = nn.Conv2d(2, 2, 1, bias=False)
        with torch.no_grad():
            self.one.weight.copy_(torch.tensor([[1.0, -2, 3], [-4, 5, 6]]).view(2, 3, 1, 1))
            self.two.weight.copy_(torch.tensor([[-1.0, 2], [3, -0.5]]).view(2, 2, 1, 1))

    def forward(self, x):
        return self.two(self.norm(self.one(x)).relu()).mean(dim=(2, 3))


def test_synflow_of_two_layers_by_hand():
    # With absolute weights an image of ones gives 6 and 15, then 6 + 30 and 18 + 7.5: R = 61.5.
    # R is linear in each layer's weights, so that either layer's sum of |w dR/dw| is R.
    assert synflow(TwoLayers(), 5) == pytest.approx(math.log(2 * 61.5), rel=1e-12)


def test_synflow_ignores_batch_norms_statistics_and_signs():
    network = TwoLayers()
    network.norm.running_mean.fill_(3.0)
    network.norm.running_var.fill_(7.0)
    with torch.no_grad():
        network.one.weight.neg_()
    assert synflow(network, 5) == pytest.approx(math.log(2 * 61.5), rel=1e-12)


def test_synflow_of_a_network_without_a_path_is_refused():
    network = TwoLayers()
    nn.init.zeros_(network.two.weight)
    with pytest.raises(ValueError, match=r"synflow is 0\.0"):
        synflow(network, 5)


@pytest.mark.parametrize(
    ("genotype", "size"),
    [
        (random_genotype(0), Network("cifar", 4, 3)),
        (random_dense(0), Network("cifar", 4, 3)),
        (resnet50([1, 1, 1, 1]), Network("cifar", 4)),
    ],
)
def test_every_space_has_finite_scores_and_networks_are_left_as_they_are(genotype, size):
    torch.manual_seed(0)
    network = build_network(genotype, size, 16).eval()
    before = copy.deepcopy(network.state_dict())
    views = torch.randn(6, 3, 16, 16)
    found = synflow(network, 16), jacobian_covariance(network, views)
    assert all(map(math.isfinite, found))
    assert found == (synflow(network, 16), jacobian_covariance(network, views))
    assert not network.training
    assert not views.requires_grad
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert all(parameter.grad is None for parameter in network.parameters())


def test_eigenvalues_of_two_images_by_hand():
    k = 1e-5
    apart = torch.tensor([[1.0, -1, 1, -1], [1, 1, -1, -1]], dtype=torch.float64)
    assert correlation_score(apart) == pytest.approx(-2 * (math.log(1 + k) + 1 / (1 + k)))
    alike = torch.tensor([[1.0, 2, 3, 5], [2, 4, 6, 10]], dtype=torch.float64)
    by_hand = -(math.log(2 + k) + 1 / (2 + k) + math.log(k) + 1 / k)
    assert correlation_score(alike) == pytest.approx(by_hand, rel=1e-6)


def test_jacobian_covariance_is_the_literal_formula():
    torch.manual_seed(1)
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Tanh(), nn.Flatten(), nn.Linear(144, 5)).double()
    views = torch.randn(4, 3, 8, 8, dtype=torch.float64)
    rows = []
    for view in views:
        one = view[None].clone().requires_grad_(True)
        network(one).sum().backward()
        rows.append(one.grad.flatten().numpy())
    values, _ = np.linalg.eig(np.corrcoef(np.stack(rows)))
    literal = -np.sum(np.log(values + 1e-5) + 1.0 / (values + 1e-5))
    assert jacobian_covariance(network, views) == pytest.approx(literal, rel=1e-8)


BESIDE = {
    "score.s.beside": True,
    "recipe.score.schedule": "constant",
    "recipe.score.epochs": 4,
}


def test_half_of_a_scoring_is_a_scoring_of_half_the_epochs(call, digits, genotype):
    inputs = {"images": digits / "images", "labels": digits / "no-labels", "genotype": genotype}
    whole = read_json(call(score, changes=BESIDE, out="whole", **inputs) / "metrics.json")
    half = read_json(
        call(score, changes=BESIDE | {"recipe.score.epochs": 2}, out="half", **inputs)
        / "metrics.json"
    )
    assert whole["contrastive_loss_half"] == half["contrastive_loss"]
    assert whole["contrastive_loss_quarter"] == half["contrastive_loss_half"]
    assert whole["contrastive_loss_half"] != whole["contrastive_loss"]
    assert whole["synflow"] == half["synflow"] > 0
    assert whole["jacobian_covariance"] == half["jacobian_covariance"] < 0


def test_what_is_measured_beside_changes_no_other_number(call, digits, genotype):
    inputs = {"images": digits / "images", "labels": digits / "no-labels", "genotype": genotype}
    beside = read_json(call(score, changes=BESIDE, out="beside", **inputs) / "metrics.json")
    plain = read_json(
        call(score, changes=BESIDE | {"score.s.beside": False}, out="plain", **inputs)
        / "metrics.json"
    )
    more = {
        "contrastive_loss_quarter", "contrastive_loss_half", "synflow", "jacobian_covariance",
    }  # fmt: skip
    assert beside.keys() - plain.keys() == more
    assert {key: beside[key] for key in plain} == plain
