"""The switch of all kernels: NASSL_KERNELS."""

from __future__ import annotations

import logging

import pytest
import torch
from torch import nn

from nassl.files import InputError
from nassl.kernels import batch_norm, depthwise, mixing, winograd

KERNELS = (batch_norm.KERNEL, depthwise.KERNEL, mixing.KERNEL, winograd.KERNEL)
pytestmark = pytest.mark.usefixtures("asked_anew")


def test_switched_off_torch_computes_without_a_warning(monkeypatch, tmp_path, caplog):
    monkeypatch.setenv("NASSL_KERNELS", "0")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    x = torch.randn(8, 32, 8, 8).contiguous(memory_format=torch.channels_last)
    conv = winograd.WinogradConv2d(32, 32, 3, padding=1)
    norm = batch_norm.BatchNorm(32, affine=True)
    torchs = nn.BatchNorm2d(32)
    with caplog.at_level(logging.WARNING):
        assert [kernel.library() for kernel in KERNELS] == [None] * len(KERNELS)
        assert torch.equal(conv(x), nn.functional.conv2d(x, conv.weight, conv.bias, padding=1))
        assert torch.equal(norm(x), torchs(x))
    assert not caplog.records
    assert not list(tmp_path.iterdir())


def test_another_value_is_refused(monkeypatch):
    monkeypatch.setenv("NASSL_KERNELS", "off")
    with pytest.raises(InputError, match=r"NASSL_KERNELS is 'off' .*; allowed: 1 \(compiled"):
        mixing.KERNEL.library()
