"""Winograd's convolutions: the function and the gradients of torch's, to rounding."""

import copy
import logging

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from nassl.kernels import loader, winograd
from nassl.kernels.winograd import Winograd, WinogradConv2d, use_winograd
from nassl.networks.resnet import ResNet
from nassl.settings import Network
from tests.nassl.kernels.compared import (
    assert_same_bits_whatever_the_number_of_threads,
    relative,
)

# (images, in, out, height, width): tiles that stick out, a single pixel, more than a block of tiles
SHAPES = [
    (2, 32, 64, 8, 8),
    (3, 64, 32, 7, 9),
    (2, 96, 32, 5, 4),
    (1, 32, 32, 1, 1),
    (9, 32, 32, 18, 17),
]


pytestmark = pytest.mark.usefixtures("compiler")


def case(shape, dtype, seed=0):
    n, c, k, height, width = shape
    torch.manual_seed(seed)
    x = torch.randn(n, c, height, width, dtype=dtype, requires_grad=True)
    weight = torch.randn(k, c, 3, 3, dtype=dtype, requires_grad=True)
    return x, weight, torch.randn(n, k, height, width, dtype=dtype)


def with_gradients(function, x, weight, gradient):
    y = function(x, weight)
    return [y, *torch.autograd.grad(y, (x, weight), gradient)]


def direct(x, weight):
    return F.conv2d(x, weight, padding=1)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("shape", SHAPES)
def test_outputs_and_gradients_are_those_of_the_convolution(shape, layout):
    x, weight, gradient = case(shape, torch.float64)
    weight = weight.detach().contiguous(memory_format=layout).requires_grad_()
    expected = with_gradients(direct, x, weight, gradient)
    found = with_gradients(Winograd.apply, x, weight, gradient)
    for each, value in zip(found, expected, strict=True):
        assert relative(each, value) < 1e-12


def test_gradcheck():
    x, weight, _ = case((2, 32, 32, 5, 3), torch.float64)
    assert torch.autograd.gradcheck(Winograd.apply, (x, weight), fast_mode=True)


@pytest.mark.parametrize("shape", [(8, 64, 64, 32, 32), (64, 512, 512, 4, 4)])
def test_single_precision_keeps_five_digits(shape):
    x, weight, gradient = case(shape, torch.float32)
    double = [tensor.detach().double().requires_grad_() for tensor in (x, weight)]
    expected = with_gradients(direct, *double, gradient.double())
    found = with_gradients(Winograd.apply, x, weight, gradient)
    for each, value in zip(found, expected, strict=True):
        assert relative(each, value) < 1e-5


def test_same_bits_whatever_the_number_of_threads():
    given = case((5, 64, 96, 20, 20), torch.float32)
    assert_same_bits_whatever_the_number_of_threads(lambda: with_gradients(Winograd.apply, *given))


def test_second_derivatives():
    x, weight, _ = case((2, 32, 32, 4, 4), torch.float64)
    assert torch.autograd.gradgradcheck(Winograd.apply, (x, weight), fast_mode=True)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fits = nn.Conv2d(32, 64, 3, padding=1)
        self.inner = nn.Sequential(nn.Conv2d(64, 32, 3, padding=1, bias=False), nn.ReLU())
        self.others = nn.Sequential(
            nn.Conv2d(32, 32, 3, 2, 1),
            nn.Conv2d(32, 32, 3, padding=2, dilation=2),
            nn.Conv2d(32, 32, 3, padding=1, groups=2),
            nn.Conv2d(32, 32, 3, padding=1, padding_mode="circular"),
            nn.Conv2d(32, 20, 3, padding=1),
            nn.Conv2d(20, 8, 1),
        )

    def forward(self, x):
        return self.others(self.inner(self.fits(x)))


def test_only_what_fits_is_exchanged_and_nothing_else_changes():
    torch.manual_seed(0)
    plain = Net().double()
    network, state = copy.deepcopy(plain), torch.get_rng_state()
    parameters = list(network.parameters())
    use_winograd(network)
    assert torch.equal(torch.get_rng_state(), state)
    exchanged = {name for name, m in network.named_modules() if isinstance(m, WinogradConv2d)}
    assert exchanged == {"fits", "inner.0"}
    assert all(a is b for a, b in zip(network.parameters(), parameters, strict=True))
    assert network.state_dict().keys() == plain.state_dict().keys()
    x = torch.randn(8, 32, 12, 12, dtype=torch.float64)
    found, expected = network(x), plain(x)
    assert relative(found, expected) < 1e-12
    found.square().sum().backward()
    expected.square().sum().backward()
    for a, b in zip(network.parameters(), plain.parameters(), strict=True):
        assert relative(a.grad, b.grad) < 1e-12


def used(monkeypatch, x, conv):
    calls = []
    monkeypatch.setattr(
        winograd.Winograd, "apply", lambda *given: calls.append(given) or direct(*given)
    )
    conv(x)
    return bool(calls)


def test_small_batches_and_maps_stay_direct(monkeypatch):
    conv = WinogradConv2d(32, 32, 3, padding=1, bias=False)
    assert used(monkeypatch, torch.randn(64, 32, 8, 8), conv)
    assert not used(monkeypatch, torch.randn(1, 32, 8, 8), conv)
    assert not used(monkeypatch, torch.randn(64, 32, 5, 5), conv)
    with torch.autocast("cpu", torch.bfloat16):
        assert not used(monkeypatch, torch.randn(64, 32, 8, 8), conv)


def test_a_traced_network_holds_torchs_convolutions():
    conv, x = WinogradConv2d(32, 32, 3, padding=1), torch.randn(64, 32, 8, 8)
    for traced in (torch.export.export(conv, (x,)).module(), torch.jit.trace(conv, x)):
        assert torch.equal(traced(x), F.conv2d(x, conv.weight, conv.bias, padding=1))


def test_resnet_is_torchvisions():
    from torchvision.models import resnet18

    torch.manual_seed(0)
    network = ResNet(18, Network("imagenet", 64, 0)).double()
    assert sum(isinstance(module, WinogradConv2d) for module in network.modules()) == 13
    expected = resnet18().double()
    expected.fc = nn.Identity()
    expected.load_state_dict(network.state_dict())
    x = torch.randn(8, 3, 64, 64, dtype=torch.float64)
    results = []
    for model in (network, expected):
        model(x).square().sum().backward()
        results.append([model(x), *(parameter.grad for parameter in model.parameters())])
    for found, value in zip(*results, strict=True):
        assert relative(found, value) < 1e-9


@pytest.mark.usefixtures("no_compiler")
def test_without_a_compiler_torch_computes_and_a_warning_says_so(tmp_path, caplog):
    conv = WinogradConv2d(32, 32, 3, padding=1)
    x = torch.randn(64, 32, 8, 8)
    with caplog.at_level(logging.WARNING):
        assert torch.equal(conv(x), F.conv2d(x, conv.weight, conv.bias, padding=1))
    assert "no-such-compiler cannot compile them; set CXX to a C++17 compiler" in caplog.text
    assert not any(tmp_path.rglob("*.so"))


@pytest.mark.usefixtures("asked_anew")
def test_compiled_once_into_the_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert winograd.KERNEL.library() is not None
    (built,) = (tmp_path / "nassl").iterdir()
    changed = built.stat().st_mtime_ns
    loader.load.cache_clear()
    assert winograd.KERNEL.library() is not None
    assert built.stat().st_mtime_ns == changed
