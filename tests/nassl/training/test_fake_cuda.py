"""Losses of every objective and network on tensors of a GPU that is not there."""

from __future__ import annotations

import pytest
import torch
from torch._subclasses.fake_tensor import DataDependentOutputException

from nassl.genotypes.block import resnet50
from nassl.genotypes.cell import random_genotype
from nassl.genotypes.dense import random_dense
from nassl.genotypes.resnet import ResNetGenotype
from nassl.networks.build import build_network
from nassl.objectives.build import build_objective
from nassl.settings import BlockSpace, CellSpace, DenseSpace, Network
from nassl.supernets.block import BlockSupernet
from nassl.supernets.cell import Supernet
from nassl.supernets.dense import DenseSupernet
from tests.nassl.training.fake_cuda import CUDA, as_fake, fake_cuda, move
from tests.stages.search.test_recorded_steps import OBJECTIVES

SMALL = Network("cifar", 4, 3)
NETWORKS = {
    "supernet": lambda: Supernet(CellSpace("cell", 4, 3, "cifar")),
    "block-supernet": lambda: BlockSupernet(BlockSpace("block", 8, [1, 1], "cifar")),
    "dense-supernet": lambda: DenseSupernet(DenseSpace("dense", 4, 3, "cifar", "all")),
    "cell": lambda: build_network(random_genotype(0), SMALL, 16, True),
    "dense": lambda: build_network(random_dense(0), SMALL, 16),
    "block": lambda: build_network(resnet50([1, 1]), SMALL, 16),
    "resnet": lambda: build_network(ResNetGenotype(18), SMALL, 16),
}


@pytest.mark.parametrize(
    ("name", "objective"),
    [(name, "moco") for name in NETWORKS]
    + [("supernet", "simclr"), ("supernet", "supervised"), ("cell", "supervised")],
)
def test_a_loss_stays_on_its_device(name, objective):
    network = NETWORKS[name]()
    statistics = torch.zeros(3), torch.ones(3)
    made = build_objective(OBJECTIVES[objective], network, *statistics, classes=3)
    side = 16
    images = torch.zeros(4, side, side, 3, dtype=torch.uint8).permute(0, 3, 1, 2)
    with fake_cuda() as mode:
        move(mode, network, made)
        labels = as_fake(mode, torch.arange(4) % 3) if objective == "supervised" else None
        loss = made.loss(network.train(), as_fake(mode, images), labels)
        made.after_step(network)
        assert loss.device == CUDA
        assert loss.shape == ()
        evaluated = made.evaluate(network.eval(), as_fake(mode, images), labels)
        assert {value.device for value in evaluated.values()} == {CUDA}


@pytest.mark.parametrize("name", ["supernet", "cell"])
def test_maps_of_depthwise_networks_are_not_channels_last(monkeypatch, name):
    """torch's own depthwise kernels are for that layout. One kernel with strides of channels_last
    makes every later map channels_last."""
    network, seen = NETWORKS[name](), []
    convolve = torch.nn.functional.conv2d
    with fake_cuda() as mode:
        move(mode, network)
        network._lay_out()  # as `to` does

        def watched(x, weight, *arguments, **options):
            y = convolve(x, weight, *arguments, **options)
            seen.append((x.is_contiguous(), y.is_contiguous()))
            return y

        monkeypatch.setattr(torch.nn.functional, "conv2d", watched)
        network.train()(as_fake(mode, torch.zeros(2, 3, 16, 16)))
    assert len(seen) > 40
    assert set(seen) == {(True, True)}


def test_mixed_devices_are_seen():
    with fake_cuda() as mode, pytest.raises(RuntimeError, match=r"different devices|same device"):
        as_fake(mode, torch.zeros(3)) + torch.zeros(3)


def test_a_value_that_is_read_back_is_seen():
    with fake_cuda() as mode, pytest.raises(DataDependentOutputException):
        bool(as_fake(mode, torch.zeros(3)).sum() > 0)
