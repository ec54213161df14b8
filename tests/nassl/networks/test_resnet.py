"""ResNets are torchvision's and timm's: weights that the stages write load into theirs."""

from __future__ import annotations

import pytest
import torch
import torchvision
from safetensors.torch import load_file
from torch import nn

from nassl.networks.resnet import ResNet
from nassl.settings import Network
from nassl.training.weights import save_weights

HEAD = {"fc.weight", "fc.bias"}


def trained(depth, stem="imagenet"):
    """With statistics and weights as no initialisation has them."""
    torch.manual_seed(depth)
    network = ResNet(depth, Network(stem, 64, 0))
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            for values in (module.weight, module.running_var):
                nn.init.uniform_(values, 0.5, 1.5)
            for values in (module.bias, module.running_mean):
                nn.init.normal_(values, std=0.1)
    return network.eval()


def equal(one, other, side):
    x = torch.randn(2, 3, side, side, dtype=torch.float64)
    with torch.inference_mode():
        torch.testing.assert_close(one.double()(x), other.double()(x), rtol=1e-9, atol=1e-9)


def torchvisions(depth):
    return getattr(torchvision.models, f"resnet{depth}")(weights=None)


@pytest.mark.parametrize("depth", [18, 50])
def test_pretrained_keys_are_torchvisions(tmp_path, depth):
    network, peer = trained(depth), torchvisions(depth)
    save_weights(tmp_path / "weights.safetensors", network)
    result = peer.load_state_dict(load_file(tmp_path / "weights.safetensors"), strict=False)
    assert (set(result.missing_keys), result.unexpected_keys) == (HEAD, [])
    peer.fc = nn.Identity()
    equal(network, peer.eval(), 64)


def test_a_cifar_stem_loads_where_the_peers_stem_is_replaced(tmp_path):
    network, peer = trained(18, "cifar"), torchvisions(18)
    peer.conv1, peer.maxpool = nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.Identity()
    peer.fc = nn.Identity()
    save_weights(tmp_path / "weights.safetensors", network)
    peer.load_state_dict(load_file(tmp_path / "weights.safetensors"))
    equal(network, peer.eval(), 32)


def test_retrained_keys_are_torchvisions_under_two_prefixes(tmp_path):
    parts = {"network": trained(18), "classifier": nn.Linear(512, 7)}
    save_weights(tmp_path / "weights.safetensors", nn.ModuleDict(parts))
    peer = torchvision.models.resnet18(num_classes=7)
    found = load_file(tmp_path / "weights.safetensors")
    renamed = {key.replace("classifier.", "fc."): value for key, value in found.items()}
    peer.load_state_dict({key.removeprefix("network."): renamed[key] for key in renamed})
    equal(nn.Sequential(*parts.values()), peer.eval(), 64)


@pytest.mark.parametrize("depth", [18, 50])
def test_pretrained_keys_are_timms(tmp_path, depth):
    timm = pytest.importorskip("timm", reason="extra `test`: pip install timm")
    network = trained(depth)
    save_weights(tmp_path / "weights.safetensors", network)
    peer = timm.create_model(f"resnet{depth}", pretrained=False, num_classes=0)
    peer.load_state_dict(load_file(tmp_path / "weights.safetensors"))
    equal(network, peer.eval(), 64)
