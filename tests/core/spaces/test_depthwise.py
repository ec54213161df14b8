from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from stages.core.spaces import subgrids
from stages.core.spaces.depthwise import _Depthwise5, depthwise


def maps(*shape):
    torch.manual_seed(0)
    x = torch.randn(*shape, dtype=torch.float64).contiguous(memory_format=torch.channels_last)
    return x.requires_grad_()


def gradients(y, *inputs):
    weights = torch.linspace(-1, 1, y.numel(), dtype=y.dtype).view(y.shape)
    return torch.autograd.grad((y * weights).sum(), inputs)


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


def test_the_fast_weight_gradient_is_used():
    y = depthwise(maps(1, 2, 3, 8), maps(2, 1, 5, 5))
    assert "Depthwise5" in type(y.grad_fn).__name__
    with torch.no_grad():
        assert depthwise(maps(1, 2, 3, 8), maps(2, 1, 5, 5)).grad_fn is None


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
