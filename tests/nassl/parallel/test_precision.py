"""bfloat16 in the network's products, float32 in losses, weights and gradients."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from nassl.objectives.build import build_objective
from nassl.parallel.precision import autocast
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
