"""Gradients of alpha against autograd through the real unrolled step, on a tiny net in float64."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from stages.search.alpha_gradients import EPSILON, first_order, second_order, unchanged_statistics

LEFT_OUT = 1  # index of the alpha that the network does not use, like that of an absent cell kind


class Tiny(nn.Module):
    """Two mixed layers of smooth operations with batch norm; curved in weights and alphas."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.first, self.second = nn.Linear(4, 6), nn.Linear(6, 3)
        self.other = nn.Linear(4, 6)
        self.norm = nn.BatchNorm1d(6)
        self.alpha = nn.Parameter(torch.randn(2, 3))
        self.unused = nn.Parameter(torch.randn(2, 2))
        self.double()

    def forward(self, x):
        p = self.alpha.softmax(-1)
        hidden = p[0, 0] * self.first(x).tanh() + p[0, 1] * self.other(x).sin()
        hidden = self.norm(hidden)
        return self.second(p[1, 0] * hidden + p[1, 1] * hidden.sigmoid())

    def alphas(self):
        return [self.alpha, self.unused]

    def weights(self):
        names = ("alpha", "unused")
        return [p for name, p in self.named_parameters() if name not in names]


def batch(seed):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(8, 4, dtype=torch.float64, generator=generator)
    return x, torch.randint(3, (8,), generator=generator)


def loss(network, batch):
    x, labels = batch
    return nn.functional.cross_entropy(network(x), labels)


@pytest.fixture
def network():
    return Tiny()


def optimizer_of(network, steps):
    """SGD with momentum after `steps` real steps, so that buffers exist."""
    optimizer = torch.optim.SGD(network.weights(), lr=0.3, momentum=0.9, weight_decay=0.02)
    for step in range(steps):
        optimizer.zero_grad()
        loss(network, batch(10 + step)).backward(inputs=network.weights())
        optimizer.step()
    optimizer.zero_grad()
    return optimizer


def through_the_step(network, optimizer, alphas_matter=True):
    """d L_val(w', alpha) / d alpha with w' as a function of alpha, by autograd."""
    weights, alphas = network.weights(), network.alphas()
    names = {id(p): name for name, p in network.named_parameters()}
    gradients = torch.autograd.grad(
        loss(network, batch(1)), weights, create_graph=alphas_matter, materialize_grads=True
    )
    moved = {}
    for weight, gradient in zip(weights, gradients, strict=True):
        buffer = optimizer.state[weight].get("momentum_buffer", torch.zeros_like(weight))
        step = 0.9 * buffer + gradient + 0.02 * weight
        moved[names[id(weight)]] = weight - 0.3 * step

    x, labels = batch(2)
    logits = torch.func.functional_call(network, moved, (x,))
    unrolled = nn.functional.cross_entropy(logits, labels)
    return unrolled, torch.autograd.grad(unrolled, alphas, materialize_grads=True)


def test_first_order_is_the_gradient_at_the_present_weights(network):
    expected = torch.autograd.grad(
        loss(network, batch(2)), network.alphas(), materialize_grads=True
    )
    value, found = first_order(lambda: loss(network, batch(2)), network.alphas(), network.weights())
    torch.testing.assert_close(value, loss(network, batch(2)).detach())
    torch.testing.assert_close(found, list(expected))
    assert not found[LEFT_OUT].any()
    assert all(p.requires_grad and p.grad is None for p in network.parameters())


@pytest.mark.parametrize("steps", [0, 3])
@pytest.mark.parametrize(("epsilon", "tolerance"), [(EPSILON, 2e-2), (EPSILON / 100, 2e-6)])
def test_second_order_is_the_derivative_through_the_real_step(
    network, monkeypatch, steps, epsilon, tolerance
):
    """The central difference is the only approximation: its error falls with epsilon squared."""
    monkeypatch.setattr("stages.search.alpha_gradients.EPSILON", epsilon)
    optimizer = optimizer_of(network, steps)
    unrolled, expected = through_the_step(network, optimizer)
    value, found = second_order(
        lambda: loss(network, batch(1)),
        lambda: loss(network, batch(2)),
        network.alphas(),
        network.weights(),
        optimizer,
    )
    torch.testing.assert_close(value, unrolled.detach())
    _, first = through_the_step(network, optimizer, alphas_matter=False)
    second_term = (expected[0] - first[0]).norm()
    assert second_term > 0.05 * expected[0].norm()
    assert (found[0] - expected[0]).norm() < tolerance * second_term
    assert not found[LEFT_OUT].any()


def test_second_order_is_what_darts_computes_on_copies(network):
    """The reference's way: deep copies, the same epsilon; equal but for rounding."""
    optimizer = optimizer_of(network, 2)
    virtual = copy.deepcopy(network)
    gradients = torch.autograd.grad(loss(virtual, batch(1)), virtual.weights())
    with torch.no_grad():
        for w, g, own in zip(virtual.weights(), gradients, network.weights(), strict=True):
            buffer = optimizer.state[own]["momentum_buffer"]
            w.sub_(0.3 * (0.9 * buffer + g + 0.02 * w))
    both = torch.autograd.grad(loss(virtual, batch(2)), [virtual.alpha, *virtual.weights()])
    vector = both[1:]
    epsilon = 0.01 / torch.cat([v.flatten() for v in vector]).norm()
    sides = []
    for sign in (1, -1):
        shifted = copy.deepcopy(network)
        with torch.no_grad():
            for w, v in zip(shifted.weights(), vector, strict=True):
                w.add_(sign * epsilon * v)
        sides.append(torch.autograd.grad(loss(shifted, batch(1)), shifted.alpha)[0])
    expected = both[0] - 0.3 * (sides[0] - sides[1]) / (2 * epsilon)
    _, found = second_order(
        lambda: loss(network, batch(1)),
        lambda: loss(network, batch(2)),
        network.alphas(),
        network.weights(),
        optimizer,
    )
    torch.testing.assert_close(found[0], expected, rtol=1e-9, atol=1e-12)


def test_second_order_leaves_everything_as_it_was(network):
    optimizer = optimizer_of(network, 2)
    state = copy.deepcopy(network.state_dict())
    moments = copy.deepcopy(optimizer.state_dict())
    with unchanged_statistics(network):
        second_order(
            lambda: loss(network, batch(1)),
            lambda: loss(network, batch(2)),
            network.alphas(),
            network.weights(),
            optimizer,
        )
    for name, value in network.state_dict().items():
        assert torch.equal(value, state[name]), name
    for key, entry in optimizer.state_dict()["state"].items():
        assert torch.equal(entry["momentum_buffer"], moments["state"][key]["momentum_buffer"])
    assert all(p.requires_grad and p.grad is None for p in network.parameters())


def test_weights_come_back_when_a_loss_fails(network):
    optimizer = optimizer_of(network, 1)
    before = [w.detach().clone() for w in network.weights()]

    def fails():
        raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError, match="out of memory"):
        second_order(
            lambda: loss(network, batch(1)), fails, network.alphas(), network.weights(), optimizer
        )
    assert all(torch.equal(a, b) for a, b in zip(before, network.weights(), strict=True))
    assert all(p.requires_grad for p in network.parameters())


def test_weights_that_do_not_matter_leave_the_first_term(network):
    optimizer = optimizer_of(network, 0)
    alphas = network.alphas()
    _, found = second_order(
        lambda: loss(network, batch(1)),
        lambda: alphas[0].square().sum(),
        alphas,
        network.weights(),
        optimizer,
    )
    torch.testing.assert_close(found[0], 2 * alphas[0].detach())
