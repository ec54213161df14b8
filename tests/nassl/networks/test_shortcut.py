"""Shortcuts of narrow ResNets on large maps, where oneDNN writes behind its result."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
import torch.nn.functional as F

from nassl.networks.resnet import ShortcutConv

TRAIN = """
import torch
from nassl.networks.resnet import ShortcutConv

for _ in range(60):
    conv = ShortcutConv(8, 16, 1, 2, bias=False)
    x = torch.randn(2, 8, 48, 72).to(memory_format=torch.channels_last).requires_grad_()
    y = conv(x)
    y.backward(torch.randn(y.shape).to(memory_format=torch.channels_last))
"""


@pytest.mark.parametrize("side", [(48, 72), (49, 71), (16, 16)])
def test_values_and_gradients_are_those_of_the_convolution(side):
    conv = ShortcutConv(8, 16, 1, 2, bias=False).double()
    x = torch.randn(2, 8, *side, dtype=torch.float64, requires_grad=True)
    y, literal = conv(x), F.conv2d(x, conv.weight, stride=2)
    torch.testing.assert_close(y, literal)
    found = torch.autograd.grad(y.square().sum(), (x, conv.weight))
    expected = torch.autograd.grad(literal.square().sum(), (x, conv.weight))
    torch.testing.assert_close(found, expected)


def test_it_trains_on_a_large_map():
    """With torch's own convolution this ends with a signal on processors with AVX-512."""
    ended = subprocess.run([sys.executable, "-c", TRAIN], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr[-500:]


def test_a_large_map_is_thinned_out_before_it(monkeypatch):
    strides = []
    call = F.conv2d
    monkeypatch.setattr(F, "conv2d", lambda *a, **o: strides.append(a) or call(*a, **o))
    ShortcutConv(8, 16, 1, 2, bias=False)(torch.zeros(1, 8, 48, 72))
    ((image, _),) = strides  # without a stride
    assert image.shape == (1, 8, 24, 36)
