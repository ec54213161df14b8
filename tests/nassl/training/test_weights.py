from __future__ import annotations

import pytest
import torch
from torch import nn

from nassl.files import InputError
from nassl.training.weights import fingerprint, load_weights, save_weights


def small_network(seed: int, channels: int = 4) -> nn.Module:
    torch.manual_seed(seed)
    body = nn.Sequential(nn.Conv2d(3, channels, 3), nn.BatchNorm2d(channels))
    return nn.ModuleDict({"body": body, "classifier": nn.Linear(channels, 2)})


def test_loaded_weights_are_the_saved_ones(tmp_path):
    saved, other = small_network(0), small_network(1)
    saved["body"](torch.randn(8, 3, 5, 5))  # moves the running statistics
    save_weights(tmp_path / "weights.safetensors", saved)
    load_weights(tmp_path / "weights.safetensors", other)
    assert fingerprint(other) == fingerprint(saved)
    assert all(torch.equal(a, b) for a, b in zip(other.buffers(), saved.buffers(), strict=True))


def test_same_weights_give_the_same_bytes_whatever_their_memory_format(tmp_path):
    network = small_network(0)
    save_weights(tmp_path / "a.safetensors", network)
    save_weights(tmp_path / "b.safetensors", network.to(memory_format=torch.channels_last))
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()
    assert {path.name for path in tmp_path.iterdir()} == {"a.safetensors", "b.safetensors"}


def test_missing_keys_must_be_exactly_the_head(tmp_path):
    saved, other = small_network(0), small_network(1)
    backbone = nn.ModuleDict({"body": saved["body"]})
    save_weights(tmp_path / "backbone.safetensors", backbone)
    fresh = other["classifier"].weight.clone()
    load_weights(tmp_path / "backbone.safetensors", other, head="classifier")
    assert torch.equal(other["classifier"].weight, fresh)
    assert fingerprint(other["body"]) == fingerprint(saved["body"])

    with pytest.raises(InputError, match=r"lacks 2 of 9 keys, first 'classifier.bias'"):
        load_weights(tmp_path / "backbone.safetensors", other)
    save_weights(tmp_path / "whole.safetensors", saved)
    with pytest.raises(InputError, match=r"without its classifier: it has 2 keys beyond the 7"):
        load_weights(tmp_path / "whole.safetensors", other, head="classifier")


def test_a_wrong_file_is_named_and_changes_nothing(tmp_path):
    path, other = tmp_path / "wide.safetensors", small_network(1)
    before = fingerprint(other)
    save_weights(path, small_network(0, channels=6))
    with pytest.raises(InputError, match=r"wide.safetensors .*\(6,\), expected .*\(4,\)"):
        load_weights(path, other)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(InputError, match=r"wide.safetensors is not a safetensors file"):
        load_weights(path, other)
    with pytest.raises(InputError, match=r"absent.safetensors is missing; run the stage"):
        load_weights(tmp_path / "absent.safetensors", other)
    assert fingerprint(other) == before


def test_a_head_that_the_module_lacks_is_a_programming_error(tmp_path):
    save_weights(tmp_path / "whole.safetensors", small_network(0))
    with pytest.raises(KeyError, match="no submodule 'fc'"):
        load_weights(tmp_path / "whole.safetensors", small_network(0), head="fc")


def test_fingerprint_sees_one_bit_of_a_running_statistic():
    network = small_network(0)
    before = fingerprint(network)
    statistic = network["body"][1].running_var
    statistic[0] = torch.nextafter(statistic[0], torch.tensor(2.0))
    assert fingerprint(network) != before
