"""NT-Xent and margins against literal loops in float64."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from nassl.objectives.build import build_objective
from nassl.objectives.simclr import margins, nt_xent, similarities
from nassl.settings import NoObjective, SettingsError, SimCLR, Views


def projections(images: int, dimension: int = 5, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(2 * images, dimension, dtype=torch.float64, generator=generator)


def cosine(a, b) -> float:
    dot = sum(x * y for x, y in zip(a, b, strict=True))
    return dot / math.sqrt(sum(x * x for x in a)) / math.sqrt(sum(y * y for y in b))


@pytest.mark.parametrize("images", [1, 2, 7])
@pytest.mark.parametrize("temperature", [0.07, 0.5])
def test_nt_xent_is_the_printed_double_loop(images, temperature):
    z = projections(images).tolist()
    expected = []
    for i in range(2 * images):
        j = i + images if i < images else i - images
        below = sum(math.exp(cosine(z[i], z[k]) / temperature) for k in range(2 * images) if k != i)
        expected.append(-math.log(math.exp(cosine(z[i], z[j]) / temperature) / below))
    found = nt_xent(similarities(torch.tensor(z, dtype=torch.float64)), temperature)
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64))


def test_nt_xent_passes_gradcheck():
    z = projections(3).requires_grad_()
    assert torch.autograd.gradcheck(lambda z: nt_xent(similarities(z), 0.5), (z,))


def test_half_precision_is_computed_in_float32():
    z = projections(4)
    assert similarities(z.bfloat16()).dtype == torch.float32
    assert similarities(z).dtype == torch.float64


def test_margins_are_the_literal_loop():
    images = 5
    z = projections(images).tolist()
    expected = []
    for i in range(images):
        others = [k for k in range(2 * images) if k % images != i]
        nearest = max(cosine(z[a], z[k]) for a in (i, i + images) for k in others)
        expected.append(cosine(z[i], z[i + images]) - nearest)
    found = margins(similarities(torch.tensor(z, dtype=torch.float64)))
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64))


def test_a_margin_needs_a_second_image():
    with pytest.raises(ValueError, match="at least 2 images"):
        margins(similarities(projections(1)))


class Mean(nn.Module):
    """Features: the means of the channels; keeps what it was given."""

    feature_dim = 3

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, x):
        self.seen = x
        return x.mean((2, 3)) * self.scale


@pytest.fixture
def objective():
    torch.manual_seed(0)
    views = Views("resized", crop_scale=[0.5, 1.0], flip=0.5, jitter=0.8, brightness=0.4)
    settings = SimCLR("simclr", 0.5, 0, 4, views)
    return build_objective(settings, Mean(), torch.zeros(3), torch.ones(3))


@pytest.fixture
def images():
    return torch.randint(0, 256, (4, 3, 8, 8), dtype=torch.uint8)


def test_loss_is_nt_xent_of_two_different_views(objective, images):
    network = Mean()
    loss = objective.loss(network, images)
    first, second = network.seen[:4], network.seen[4:]
    assert not torch.allclose(first, second)
    z = objective.projection(network.seen.mean((2, 3)))
    torch.testing.assert_close(loss, nt_xent(similarities(z), 0.5).mean())


def test_both_views_are_of_the_same_image(images):
    """Without augmentation they are the image itself: first all first, then all second views."""
    network = Mean()
    settings = SimCLR("simclr", 0.5, 0, 4, Views("none"))
    objective = build_objective(settings, network, torch.zeros(3), torch.ones(3))
    objective.loss(network, images)
    torch.testing.assert_close(network.seen, torch.cat([images, images]) / 255)


def test_layers_are_those_of_the_paper(objective):
    shapes = [tuple(p.shape) for p in objective.trained_parameters()]
    assert shapes == [(3, 3), (3,), (4, 3), (4,)]
    assert isinstance(objective.projection[1], nn.ReLU)


def test_evaluate_gives_loss_and_margin_of_every_image(objective, images):
    network = Mean()
    values = objective.evaluate(network, images)
    similarity = similarities(objective.projection(network.seen.mean((2, 3))))
    assert values["loss"].shape == values["margin"].shape == (4,)
    assert values["loss"].dtype == torch.float64
    expected = nt_xent(similarity.double(), 0.5).mean()
    torch.testing.assert_close(values["loss"].mean(), expected)
    torch.testing.assert_close(values["margin"], margins(similarity.double()))
    own = torch.stack([similarity[i, i + 4] for i in range(4)]).double()
    torch.testing.assert_close(values["own_similarity"], own)
    torch.testing.assert_close(
        values["own_similarity"] - values["nearest_similarity"], values["margin"]
    )


def test_nothing_is_trained_without_an_objective():
    with pytest.raises(SettingsError, match=r"objective.kind is 'none'.*available: .*simclr"):
        build_objective(NoObjective("none"), Mean(), torch.zeros(3), torch.ones(3))
