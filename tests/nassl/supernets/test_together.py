"""A GPU's way through the supernet, all edges that leave a state together, on a CPU."""

from __future__ import annotations

import pytest
import torch

from nassl.parallel import path
from nassl.supernets.state_sum import state_sum
from stages.search.alpha_gradients import unchanged_statistics
from tests.nassl.supernets.formulations import (
    CIFAR,
    IMAGENET,
    loss_of,
    pair,
    second_order_gradients_agree,
)
from tests.oracles.literal_supernet import shipped_name


@pytest.fixture(autouse=True)
def _as_on_a_gpu(monkeypatch):
    monkeypatch.setattr(path, "forced", True)


@pytest.mark.parametrize(
    ("space", "side"),
    [(CIFAR, (8, 8)), (CIFAR, (7, 9)), (IMAGENET, (56, 32))],
    ids=["even", "odd", "imagenet"],
)
def test_equals_the_literal_formulation(monkeypatch, space, side):
    """Outputs, gradients of weights and alpha, running statistics and counts of batches."""
    supernet, literal = pair(space, torch.float64)
    images = torch.randn(3, 3, *side, dtype=torch.float64)
    taken = []
    monkeypatch.setattr(supernet, "_edge_by_edge", lambda *_: taken.append(1))
    ours, theirs = supernet(images), literal(images)
    assert not taken
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-10)
    loss_of(ours).backward()
    loss_of(theirs).backward()
    gradients = {name: p.grad for name, p in supernet.named_parameters()}
    expected = {shipped_name(name): p.grad for name, p in literal.named_parameters()}
    assert expected.keys() == gradients.keys()
    for name, gradient in expected.items():
        torch.testing.assert_close(
            gradients[name], gradient, rtol=0, atol=1e-9, msg=lambda m, n=name: n + m
        )
    buffers = dict(supernet.named_buffers())
    for name, buffer in literal.named_buffers():
        torch.testing.assert_close(buffers[shipped_name(name)], buffer, rtol=0, atol=1e-9)


def test_evaluation_goes_edge_by_edge(monkeypatch):
    supernet, literal = pair(CIFAR, torch.float64)
    images = torch.randn(2, 3, 8, 8, dtype=torch.float64)
    torch.testing.assert_close(supernet.eval()(images), literal.eval()(images), rtol=0, atol=1e-10)


def test_statistics_that_are_not_tracked_stay():
    supernet, _ = pair(CIFAR, torch.float64)
    before = {name: buffer.clone() for name, buffer in supernet.named_buffers()}
    with unchanged_statistics(supernet):
        supernet(torch.randn(2, 3, 8, 8, dtype=torch.float64))
    assert all(torch.equal(buffer, before[name]) for name, buffer in supernet.named_buffers())
    supernet(torch.randn(2, 3, 8, 8, dtype=torch.float64))
    same = [name for name, b in supernet.named_buffers() if torch.equal(b, before[name])]
    assert not same


def test_second_order_gradients_of_alpha():
    second_order_gradients_agree()


def test_weights_of_a_sum_stay_in_float32_where_maps_are_not():
    """bfloat16 has 8 bits: weights that differ in the ninth give different sums and, summed over
    many pixels, gradients that float32 alone can tell apart."""
    shared = [torch.ones(4, 2, 32, 32, dtype=torch.bfloat16, requires_grad=True)]
    scaled = [torch.zeros(4, 4, 32, 32, dtype=torch.bfloat16) for _ in range(2)]
    weights = torch.tensor([[[1.0], [1 + 2**-9]]], requires_grad=True)
    scaled[0][:, :] = -1  # the rest is what is seen of the weight
    made = state_sum(weights, shared, scaled)
    assert made.dtype == torch.bfloat16
    assert made[:, :2].unique().tolist() == [0.0]
    assert made[:, 2:].unique().tolist() == [2**-9]
    gradient = torch.ones_like(made)
    gradient[0, 0, 0, 0] = 1 + 2**-7
    made.backward(gradient)
    assert weights.grad.dtype == torch.float32
    assert weights.grad[0, :, 0].tolist() == [4 * 2 * 32 * 32 + 2**-7, 4 * 2 * 32 * 32]
