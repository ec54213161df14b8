"""bfloat16 in the network's products, float32 in losses, weights and gradients."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from nassl.kernels.mixing import weighted_sum
from nassl.objectives.build import build_objective
from nassl.parallel.precision import BACKENDS, autocast, forbid_tf32, products
from nassl.settings import CellSpace, MoCo, SimCLR, Supervised, Views
from nassl.supernets.cell import Supernet

VIEWS = Views("none")
OBJECTIVES = {
    "supervised": Supervised("supervised", 0.0, 0.0, VIEWS),
    "simclr": SimCLR("simclr", 0.5, 8, 8, VIEWS),
    "moco": MoCo("moco", 0.2, 0.9, 16, "mlp", 8, 8, 1, VIEWS),
}


def step(objective_name, precision):
    """Loss, gradients of all weights as one vector, and the types that convolutions gave."""
    torch.manual_seed(0)
    network = Supernet(CellSpace("cell", 4, 1, "cifar"))
    zeros, ones = torch.zeros(3), torch.ones(3)
    objective = build_objective(OBJECTIVES[objective_name], network, zeros, ones, classes=3)
    made = set()
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_hook(lambda _m, _i, output: made.add(output.dtype))
    images = torch.randint(0, 256, (8, 3, 8, 8), dtype=torch.uint8)
    with autocast(precision, images.device):
        loss = objective.loss(network, images, torch.arange(8) % 3)
    loss.backward()
    trained = [*network.parameters(), *objective.trained_parameters()]
    assert {p.grad.dtype for p in trained if p.grad is not None} == {torch.float32}
    gradient = torch.cat([p.grad.flatten() for p in trained if p.grad is not None])
    return loss, gradient, made


@pytest.mark.parametrize("name", OBJECTIVES)
def test_only_products_are_in_half_precision(name):
    loss, gradient, made = step(name, "float32")
    half_loss, half_gradient, half_made = step(name, "bfloat16")
    assert made == {torch.float32}
    assert torch.bfloat16 in half_made
    assert half_loss.dtype == torch.float32
    # 8 bits of mantissa: a percent of the loss, the direction of the gradient
    assert half_loss.item() == pytest.approx(loss.item(), rel=0.02)
    assert half_loss.item() != loss.item()
    assert torch.cosine_similarity(gradient, half_gradient, dim=0) > 0.95


def tf32():
    return [backend.allow_tf32 for backend in BACKENDS]


def test_tf32_is_off_unless_a_recipe_asks_for_it():
    """torch would take it for convolutions."""
    before = tf32()
    try:
        forbid_tf32()
        assert tf32() == [False] * 2
        for precision, expected in (("float32", False), ("tf32", True), ("bfloat16", False)):
            with products(precision):
                assert tf32() == [expected] * 2
                assert torch.backends.cudnn.conv.fp32_precision == ("tf32" if expected else "none")
                with products("float32"):
                    assert tf32() == [False] * 2
                assert tf32() == [expected] * 2
            assert tf32() == [False] * 2
        with torch.backends.cudnn.flags(allow_tf32=False):  # as torch's exporter does
            assert tf32() == [False] * 2
    finally:
        for backend, value in zip(BACKENDS, before, strict=True):
            backend.allow_tf32 = value


def test_gradients_of_mixing_weights_are_sums_in_float32():
    """In bfloat16 the sum of 2^12 ones and one of 1 + 2^-7 is 2^12."""
    x = torch.ones(1, 1, 64, 64, dtype=torch.bfloat16)
    weights = torch.ones(1, requires_grad=True)
    gradient = torch.ones_like(x)
    gradient[0, 0, 0, 0] = 1 + 2**-7
    weighted_sum(weights, [x], [torch.zeros_like(x)]).backward(gradient)
    assert weights.grad.tolist() == [2**12 + 2**-7]
