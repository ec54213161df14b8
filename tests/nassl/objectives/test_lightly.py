"""Losses of the library lightly on the projections of two views, and in the stages."""

from __future__ import annotations

import sys

import pytest
import torch
from torch import nn

from nassl.files import read_json
from nassl.objectives.build import build_objective
from nassl.objectives.lightly import lightly_loss
from nassl.objectives.simclr import margins, nt_xent, similarities
from nassl.settings import Lightly, SettingsError, Views
from nassl.settings.objectives.lightly import LIGHTLY_LOSSES
from stages.plan.__main__ import plan
from stages.pretrain.__main__ import pretrain
from stages.score.__main__ import score
from stages.search.__main__ import search

library = pytest.importorskip(
    "lightly.loss", reason="pip install --no-deps lightly==1.6.0 lightly-utils==0.0.2"
)
VIEWS = Views(crop="resized", crop_scale=[0.5, 1.0], flip=0.5)
IMAGES = torch.arange(6 * 3 * 8 * 8).remainder(251).to(torch.uint8).view(6, 3, 8, 8)


class Flat(nn.Module):
    feature_dim = 3 * 8 * 8

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones((), dtype=torch.float64))

    def forward(self, x):
        return self.scale * x.flatten(1).double()


def built(loss, **arguments):
    torch.manual_seed(0)
    settings = Lightly("lightly", 0.5, 16, 5, VIEWS, loss=loss, arguments=arguments, layers=3)
    mean, std = torch.full((3,), 0.5), torch.full((3,), 0.25)
    network = Flat()
    return build_objective(settings, network, mean, std).double(), network


def projections(objective, network):
    """(first, second) of the views that the same random numbers give."""
    torch.manual_seed(1)
    x = objective.views(torch.cat([IMAGES, IMAGES]))
    return objective.projection(network(x)).chunk(2)


@pytest.mark.parametrize("name", LIGHTLY_LOSSES)
def test_the_loss_is_lightlys_of_both_views(name):
    objective, network = built(name)
    first, second = projections(objective, network)
    torch.manual_seed(1)
    found = objective.loss(network, IMAGES)
    assert found.dtype == torch.float64
    torch.testing.assert_close(found, getattr(library, name)()(first, second))
    found.backward()
    assert network.scale.grad.abs() > 0
    assert all(p.grad is not None for p in objective.trained_parameters())


def test_vicreg_is_its_formula_with_the_given_weights():
    """VICReg, eqs. 1 to 6, written out."""
    weights = {"lambda_param": 2.0, "mu_param": 3.0, "nu_param": 5.0}
    objective, network = built("VICRegLoss", **weights)
    both = projections(objective, network)
    n, d = both[0].shape
    expected = 2.0 * sum((a - b) ** 2 for a, b in zip(*map(torch.ravel, both), strict=True)) / n / d
    for z in both:
        centred = z - z.mean(dim=0)
        covariance = centred.T @ centred / (n - 1)
        spread = (covariance.diagonal() + 1e-4).sqrt()
        expected += 3.0 * (1 - spread).clamp(min=0).mean() / 2  # lightly: the mean of both views
        outside = covariance - covariance.diagonal().diag()
        expected += 5.0 * outside.square().sum() / d
    torch.manual_seed(1)
    torch.testing.assert_close(objective.loss(network, IMAGES), expected)


def test_held_out_images_are_judged_by_nt_xent():
    objective, network = built("BarlowTwinsLoss")
    objective.eval()
    similarity = similarities(torch.cat(projections(objective, network)))
    torch.manual_seed(1)
    found = objective.evaluate(network, IMAGES)
    torch.testing.assert_close(found["loss"], nt_xent(similarity, 0.5).view(2, -1).mean(dim=0))
    torch.testing.assert_close(found["margin"], margins(similarity))


def test_what_is_not_available_is_named(monkeypatch):
    with pytest.raises(SettingsError) as error:
        lightly_loss("DINOLoss", {})
    assert str(error.value) == (
        "objective.loss is 'DINOLoss'; available: BarlowTwinsLoss, DCLLoss, DCLWLoss, NTXentLoss, "
        "VICRegLoss; others of lightly need more than the projections of two views: a teacher, a "
        "predictor, prototypes"
    )
    with pytest.raises(SettingsError) as error:
        lightly_loss("VICRegLoss", {"temperature": 0.1})
    assert str(error.value) == (
        "objective.arguments has the unknown key 'temperature'; VICRegLoss takes: lambda_param, "
        "mu_param, nu_param, eps"
    )
    monkeypatch.setitem(sys.modules, "lightly", None)
    monkeypatch.setitem(sys.modules, "lightly.loss", None)
    with pytest.raises(SettingsError) as error:
        lightly_loss("VICRegLoss", {})
    assert str(error.value).endswith("pip install --no-deps lightly==1.6.0 lightly-utils==0.0.2")


def test_the_plan_takes_it_and_refuses_other_losses():
    words = ["scale=smoke", "only=ssnas.table4", "papers.ssnas.tables.table4.each.objective=vicreg"]
    objective = plan(words)["objective"]["vicreg"]
    assert (objective["kind"], objective["arguments"]["lambda_param"]) == ("lightly", 25.0)
    plan([*words[:2], words[2].replace("vicreg", "barlow-twins")])
    with pytest.raises(SettingsError, match=r"objective\.loss is 'DINOLoss'; allowed: BarlowTwins"):
        plan([*words, "objective.vicreg.loss=DINOLoss"])
    with pytest.raises(SettingsError, match=r"arguments is -1.0; it must be finite and not neg"):
        plan([*words, "objective.vicreg.arguments.mu_param=-1.0"])


def test_it_searches_scores_and_pretrains(call, digits, genotype):
    settings = {
        "kind": "lightly", "loss": "VICRegLoss", "arguments": {}, "temperature": 0.5, "layers": 2,
        "hidden": 8, "projection": 8, "views": {"crop": "resized", "crop_scale": [0.5, 1.0]},
    }  # fmt: skip
    changes = {"objective.simclr": settings}
    images, free = digits / "images", digits / "no-labels"
    found = call(search, changes=changes, images=images, labels=free, initial=free)
    assert read_json(found / "genotype.json")["space"] == "cell"
    scored = call(score, changes=changes, images=images, labels=free, genotype=genotype)
    assert 0 < read_json(scored / "metrics.json")["contrastive_loss"] < 10
    for again in ("one", "two"):
        call(pretrain, changes=changes, out=again, images=images, genotype=genotype)
    one, two = (found.parent / name / "weights.safetensors" for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()
