"""The shipped supernet beside the literal one, with the same weights."""

from __future__ import annotations

import torch

from nassl.settings import CellSpace
from nassl.supernets.cell import Supernet
from stages.search.alpha_gradients import second_order
from tests.oracles.literal_supernet import literal_like

CIFAR = CellSpace("cell", channels=4, cells=3, stem="cifar")
IMAGENET = CellSpace("cell", channels=4, cells=3, stem="imagenet")


def pair(space, dtype):
    """Both supernets with the same random weights; alphas far from uniform; unequal buffers."""
    torch.manual_seed(0)
    supernet = Supernet(space).to(dtype)
    with torch.no_grad():
        for alpha in supernet.architecture_parameters():
            alpha.copy_(torch.randn_like(alpha))
        for name, buffer in supernet.named_buffers():
            if name.endswith("running_mean"):
                buffer.normal_(0, 0.1)
            elif name.endswith("running_var"):
                buffer.uniform_(0.5, 1.5)
    return supernet, literal_like(supernet, space)


def loss_of(features):
    weights = torch.linspace(-1, 1, features.numel(), dtype=features.dtype)
    return (features.flatten().sin() * weights).sum()


def second_order_gradients_agree():
    """Of alpha, through the whole unrolled step, with momentum, on both formulations."""
    train, validation = torch.randn(2, 3, 3, 8, 8, dtype=torch.float64)
    found = []
    for network in pair(CIFAR, torch.float64):
        weights = list(network.weight_parameters())
        optimizer = torch.optim.SGD(weights, 0.025, momentum=0.9, weight_decay=3e-4)
        loss_of(network(train)).backward()
        optimizer.step()  # fills the momentum buffers
        _, gradients = second_order(
            lambda n=network: loss_of(n(train)),
            lambda n=network: loss_of(n(validation)),
            network.architecture_parameters(),
            weights,
            optimizer,
        )
        found.append(gradients)
    for mine, theirs in zip(*found, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-9, atol=1e-9)
