from __future__ import annotations

import logging

import pytest
import torch
import torch.nn.functional as F

from nassl.kernels import depthwise as module
from nassl.kernels.depthwise import _Compiled, _Depthwise5, depthwise
from nassl.networks import subgrids
from tests.nassl.kernels.compared import (
    assert_gradients_equal,
    assert_same_bits_whatever_the_number_of_threads,
    gradients,
    maps,
    relative,
)


@pytest.mark.parametrize("kernel", [3, 5])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("side", [(8, 8), (7, 10), (10, 7), (4, 4)])
def test_depthwise_equals_torch(kernel, stride, side):
    x, weight = maps(2, 3, *side), maps(3, 1, kernel, kernel)
    ours = depthwise(x, weight, stride)
    theirs = F.conv2d(x, weight, None, stride, kernel // 2, 1, 3)
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-12)
    for mine, other in zip(gradients(ours, x, weight), gradients(theirs, x, weight), strict=True):
        torch.testing.assert_close(mine, other, rtol=0, atol=1e-11)


# (images, channels, height, width): fewer channels than a vector has, as many, more; channels that
# do not divide vectors; lines that end within a vector; more images than chunks; a single pixel
SHAPES = [
    (2, 4, 6, 6),
    (19, 1, 5, 7),
    (3, 3, 7, 9),
    (2, 48, 3, 4),
    (5, 12, 8, 5),
    (33, 16, 9, 11),
    (2, 64, 1, 1),
    (2, 32, 2, 2),
]


def case(shape, kernel, dtype=torch.float64):
    x = maps(*shape, dtype=dtype)
    return x, torch.randn(shape[1], 1, kernel, kernel, dtype=dtype, requires_grad=True)


@pytest.mark.parametrize("kernel", [3, 5])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.usefixtures("compiler")
def test_the_compiled_convolution_is_torchs(shape, kernel):
    x, weight = case(shape, kernel)
    expected = F.conv2d(x, weight, None, 1, kernel // 2, 1, shape[1])
    found = _Compiled.apply(x, weight)
    assert relative(module._convolve(x.detach(), weight.detach(), False), expected) < 1e-12
    assert relative(found, expected) < 1e-12
    assert found.is_contiguous(memory_format=torch.channels_last)
    assert_gradients_equal((found, x, weight), (expected, x, weight))


@pytest.mark.parametrize("kernel", [3, 5])
@pytest.mark.usefixtures("compiler")
def test_compiled_gradcheck(kernel):
    given = case((2, 4, 3, 5), kernel)
    assert torch.autograd.gradcheck(_Compiled.apply, given)
    assert torch.autograd.gradgradcheck(_Compiled.apply, given)


@pytest.mark.usefixtures("compiler")
def test_single_precision_keeps_five_digits():
    x, weight = case((64, 16, 16, 16), 5, torch.float32)
    found = depthwise(x, weight)
    double = [tensor.detach().double().requires_grad_() for tensor in (x, weight)]
    expected = F.conv2d(*double, None, 1, 2, 1, 16)
    assert relative(found, expected) < 1e-5
    assert_gradients_equal((found, x, weight), (expected, *double), 1e-5)


@pytest.mark.usefixtures("compiler")
def test_same_bits_whatever_the_number_of_threads():
    x, weight = case((21, 8, 13, 12), 5, torch.float32)

    def compute():
        y = depthwise(x, weight)
        return [y, *gradients(y, x, weight)]

    assert_same_bits_whatever_the_number_of_threads(compute)


@pytest.mark.usefixtures("compiler")
def test_only_the_gradients_asked_for_are_computed(monkeypatch):
    names = []
    call = module._call
    monkeypatch.setattr(module, "_call", lambda *given: names.append(given[0]) or call(*given))
    x, weight = case((64, 16, 8, 8), 3)
    depthwise(x, weight.detach()).sum().backward()
    assert names == ["convolve"]
    names.clear()
    depthwise(x.detach(), weight).sum().backward()
    assert names == ["weight_gradient"]


@pytest.mark.usefixtures("compiler")
def test_what_is_not_computed_here_is_left_to_torch():
    x, weight = case((2, 16, 4, 4), 3)
    assert "_Compiled" in type(depthwise(x, weight).grad_fn).__name__
    for given in (x.contiguous(), x[:, :, ::2]):
        found = depthwise(given, weight)
        assert "_Compiled" not in type(found.grad_fn).__name__
        assert torch.equal(found, F.conv2d(given, weight, None, 1, 1, 1, 16))
    with torch.autocast("cpu", torch.bfloat16):
        assert "_Compiled" not in type(depthwise(x, weight).grad_fn).__name__
    many = case((2, 37, 4, 4), 3)  # a period of 37 vectors
    assert "_Compiled" not in type(depthwise(*many).grad_fn).__name__


@pytest.mark.usefixtures("no_compiler")
def test_without_a_compiler_the_fast_calls_of_torch_are_used(caplog):
    with caplog.at_level(logging.WARNING):
        y = depthwise(maps(1, 2, 3, 8), maps(2, 1, 5, 5))
    assert "depthwise convolutions are slower than they could be: no-such-compiler" in caplog.text
    assert "Depthwise5" in type(y.grad_fn).__name__
    with torch.no_grad():
        assert depthwise(maps(1, 2, 3, 8), maps(2, 1, 5, 5)).grad_fn is None
    x, weight = case((3, 16, 9, 8), 5)
    found, expected = depthwise(x, weight), F.conv2d(x, weight, None, 1, 2, 1, 16)
    assert_gradients_equal((found, x, weight), (expected, x, weight))


def test_depthwise_gradcheck():
    x, weight = maps(1, 2, 3, 8), maps(2, 1, 5, 5)
    assert torch.autograd.gradcheck(_Depthwise5.apply, (x, weight))
    assert torch.autograd.gradgradcheck(_Depthwise5.apply, (x, weight))


@pytest.mark.parametrize("kernel", [3, 5])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("side", [(8, 6), (7, 9), (16, 16), (1, 2)])
def test_dilated_equals_torch(kernel, stride, side):
    x, weight = maps(2, 3, *side), maps(3, 1, kernel, kernel)
    ours = subgrids.dilated(x, weight, stride)
    theirs = F.conv2d(x, weight, None, stride, kernel - 1, 2, 3)
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-12)
    for mine, other in zip(gradients(ours, x, weight), gradients(theirs, x, weight), strict=True):
        torch.testing.assert_close(mine, other, rtol=0, atol=1e-11)


@pytest.mark.parametrize("side", [(8, 6), (7, 9)])
def test_merge_undoes_split(side):
    x = maps(2, 3, *side)
    grids = subgrids.split(x)
    assert grids.shape == (8, 3, (side[0] + 1) // 2, (side[1] + 1) // 2)
    assert grids.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(subgrids.merge(grids, *side), x, rtol=0, atol=0)
    torch.testing.assert_close(subgrids.even(x), grids[:2], rtol=0, atol=0)
    torch.testing.assert_close(subgrids.odd(x), grids[-2:], rtol=0, atol=0)
