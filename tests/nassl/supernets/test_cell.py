"""The shipped supernet against the literal one: outputs, gradients, buffers."""

from __future__ import annotations

import pytest
import torch

from nassl.networks.size import parameters
from nassl.settings import CellSpace
from nassl.supernets.cell import Supernet
from tests.nassl.supernets.formulations import (
    CIFAR,
    IMAGENET,
    loss_of,
    pair,
    second_order_gradients_agree,
)
from tests.oracles.literal_supernet import shipped_name


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(
    ("space", "side"),
    [(CIFAR, (8, 8)), (CIFAR, (7, 9)), (CIFAR, (16, 12)), (IMAGENET, (56, 32))],
    ids=["even", "odd", "even-then-odd", "imagenet"],
)
def test_equals_the_literal_formulation(space, side, training):
    supernet, literal = pair(space, torch.float64)
    supernet.train(training)
    literal.train(training)
    images = torch.randn(3, 3, *side, dtype=torch.float64)
    ours, theirs = supernet(images), literal(images)
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-10)
    loss_of(ours).backward()
    loss_of(theirs).backward()
    gradients = {name: p.grad for name, p in supernet.named_parameters()}
    compared = set()
    for name, parameter in literal.named_parameters():
        expected = parameter.grad
        torch.testing.assert_close(
            gradients[shipped_name(name)], expected, rtol=0, atol=1e-9, msg=lambda m, n=name: n + m
        )
        compared.add(shipped_name(name))
    assert compared == set(gradients)
    assert min(alpha.grad.abs().max() for alpha in supernet.architecture_parameters()) > 1e-3
    buffers = dict(supernet.named_buffers())
    for name, buffer in literal.named_buffers():
        torch.testing.assert_close(buffers[shipped_name(name)], buffer, rtol=0, atol=1e-9)


@pytest.mark.parametrize("training", [True, False])
def test_single_precision(training):
    supernet, literal = pair(CIFAR, torch.float32)
    supernet.train(training)
    literal.train(training)
    images = torch.randn(8, 3, 16, 16)
    ours, theirs = supernet(images), literal(images)
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(loss_of(ours), loss_of(theirs), rtol=1e-5, atol=1e-5)


def test_gradients_of_alpha_alone():
    supernet, literal = pair(CIFAR, torch.float64)
    images = torch.randn(3, 3, 8, 8, dtype=torch.float64)
    ours = torch.autograd.grad(loss_of(supernet(images)), supernet.architecture_parameters())
    loss_of(literal(images)).backward()
    for mine, alpha in zip(ours, literal.architecture_parameters(), strict=True):
        torch.testing.assert_close(mine, alpha.grad, rtol=0, atol=1e-9)
    assert all(parameter.grad is None for parameter in supernet.parameters())


def test_second_order_gradients_of_alpha():
    second_order_gradients_agree()


def test_reference_supernet_has_the_published_number_of_weights():
    supernet = Supernet(CellSpace("cell", channels=16, cells=8, stem="cifar"))
    classifier = torch.nn.Linear(supernet.feature_dim, 10)
    weights = sum(parameter.numel() for parameter in supernet.weight_parameters())
    assert weights + parameters(classifier) == 1_930_618
    assert [tuple(a.shape) for a in supernet.architecture_parameters()] == [(14, 8), (14, 8)]


def test_mixing_takes_the_place_of_alpha():
    supernet, _ = pair(CIFAR, torch.float64)
    images = torch.randn(2, 3, 8, 8, dtype=torch.float64)
    softmax = tuple(alpha.softmax(-1) for alpha in supernet.architecture_parameters())
    torch.testing.assert_close(supernet(images, softmax), supernet(images), rtol=0, atol=1e-12)
