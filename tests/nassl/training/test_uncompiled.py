"""Optimizers and counters that leave torch's compiler out."""

import subprocess
import sys

import pytest
import torch

from nassl.networks.size import flops
from nassl.settings import CellSpace
from nassl.supernets.cell import Supernet
from nassl.training import uncompiled

TRAIN = """
import sys
import torch
from nassl.networks.size import flops
from nassl.training.uncompiled import SGD, Adam

network = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.ReLU())
for kind in SGD, Adam:
    optimizer = kind(network.parameters(), lr=0.1)
    optimizer.zero_grad()
    network(torch.ones(2, 3, 8, 8)).sum().backward()
    optimizer.step()
    optimizer.load_state_dict(optimizer.state_dict())
assert flops(network, 8) == 36 * 108, flops(network, 8)
print([name for name in sys.modules if name.startswith("torch._dynamo")])
"""


def test_the_compiler_is_not_imported() -> None:
    shown = subprocess.run(
        [sys.executable, "-c", TRAIN], capture_output=True, text=True, check=True
    )

    assert shown.stdout == "[]\n", shown.stderr


@pytest.mark.parametrize(("name", "options"), [("SGD", {"momentum": 0.9}), ("Adam", {})])
def test_steps_are_torchs(name: str, options: dict[str, float]) -> None:
    ends = []
    for module in torch.optim, uncompiled:
        weight = torch.nn.Parameter(torch.linspace(-1, 1, 5))
        optimizer = getattr(module, name)([weight], lr=0.1, weight_decay=0.01, **options)
        for _ in range(3):
            optimizer.zero_grad()
            (weight**3).sum().backward()
            optimizer.step()
        ends.append(weight.detach())

    assert torch.equal(*ends)


def test_what_kernels_compute_is_counted_too(monkeypatch: pytest.MonkeyPatch) -> None:
    network = Supernet(CellSpace("cell", channels=8, cells=3, stem="cifar"))
    with_kernels = flops(network, 16)
    monkeypatch.setattr("nassl.kernels.loader.TYPES", {})  # none can be computed

    assert flops(network, 16) == with_kernels > 0
