"""The compiled batch norm: the function, gradients and running statistics of torch's."""

from __future__ import annotations

import functools
import logging

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from nassl.kernels import batch_norm
from nassl.kernels.batch_norm import BatchNorm, rectified
from tests.nassl.kernels.compared import (
    ON_MAPS,
    assert_gradients_equal,
    assert_same_bits_whatever_the_number_of_threads,
    gradients,
    relative,
)
from tests.nassl.kernels.compared import maps as normal_maps

# (images, channels, height, width): fewer channels than a vector has; a channel; channels that do
# not divide vectors; a last vector that is not full; several chunks, the last not full; one image
SHAPES = [
    (2, 4, 6, 6),
    (3, 1, 5, 7),
    (2, 48, 3, 3),
    (5, 12, 7, 9),
    (1, 64, 1, 3),
    (9, 16, 17, 19),
    (4, 128, 13, 5),
]
maps = functools.partial(normal_maps, scale=3, mean=5)


def norms(channels, affine, dtype=torch.float64):
    """Ours and torch's with the same random state."""
    torch.manual_seed(0)
    ours = BatchNorm(channels, affine).to(dtype)
    for tensor in ours.state_dict().values():
        if tensor.is_floating_point():
            tensor.uniform_(0.5, 1.5)
    theirs = nn.BatchNorm2d(channels, affine=affine).to(dtype)
    theirs.load_state_dict(ours.state_dict())
    return ours, theirs


@pytest.mark.parametrize("rectify", [False, True])
@pytest.mark.parametrize("affine", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.usefixtures("compiler")
def test_equals_torchs_in_training(shape, affine, rectify):
    ours, theirs = norms(shape[1], affine)
    x = maps(*shape)
    found = rectified(ours, x) if rectify else ours(x)
    assert "_BatchNorm" in type(found.grad_fn).__name__
    assert found.is_contiguous(**ON_MAPS)
    expected = F.relu(theirs(x)) if rectify else theirs(x)
    assert relative(found, expected) < 1e-12
    assert ours.state_dict().keys() == theirs.state_dict().keys()
    for name, value in theirs.state_dict().items():
        torch.testing.assert_close(ours.state_dict()[name], value, rtol=1e-12, atol=0)
    assert_gradients_equal((found, x, *ours.parameters()), (expected, x, *theirs.parameters()))


@pytest.mark.usefixtures("compiler")
def test_scale_is_the_affine_weight():
    ours, _ = norms(16, False)
    x = maps(2, 16, 4, 4)
    scale = torch.randn(16, dtype=torch.float64, requires_grad=True)
    found = ours(x, scale)
    assert "_BatchNorm" in type(found.grad_fn).__name__
    expected = F.batch_norm(x, None, None, scale, None, True)
    assert relative(found, expected) < 1e-12
    repeated = torch.ones((), dtype=torch.float64).expand(16)
    assert relative(ours(x, repeated), F.batch_norm(x, None, None, training=True)) < 1e-12
    assert_gradients_equal((found, x, scale), (expected, x, scale))


@pytest.mark.parametrize("rectify", [False, True])
@pytest.mark.usefixtures("compiler")
def test_gradcheck(rectify):
    norm, _ = norms(4, True)
    x = maps(2, 4, 3, 3)

    def function(x, weight, bias):
        return batch_norm._BatchNorm.apply(x, weight, bias, norm, rectify)

    given = x, norm.weight, norm.bias
    assert torch.autograd.gradcheck(function, given)
    assert torch.autograd.gradgradcheck(function, given)
    plain = torch.autograd.grad(function(*given).sin().sum(), given)
    with_graph = torch.autograd.grad(function(*given).sin().sum(), given, create_graph=True)
    for one, other in zip(plain, with_graph, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-12)


@pytest.mark.usefixtures("compiler")
def test_means_far_from_zero_cost_no_digits():
    norm, _ = norms(16, False, torch.float32)
    x = torch.randn(32, 16, 16, 16, dtype=torch.float64) + 1000
    x = x.float().contiguous(**ON_MAPS)
    before = norm.running_var.double()
    expected = F.batch_norm(x.double(), None, None, training=True, eps=norm.eps)
    assert relative(norm(x).double(), expected) < 1e-4
    expected = 0.9 * before + 0.1 * x.double().var(dim=(0, 2, 3))
    torch.testing.assert_close(norm.running_var.double(), expected, rtol=1e-6, atol=0)


@pytest.mark.usefixtures("compiler")
def test_nan_is_not_hidden():
    """Otherwise a diverged network would look like a healthy one."""
    ours, theirs = norms(16, False)
    x = maps(2, 16, 4, 4)
    with torch.no_grad():
        x[0, 3, 1, 1] = torch.nan
    found, expected = rectified(ours, x), F.relu(theirs(x))
    assert torch.equal(found.isnan(), expected.isnan())
    assert found.isnan().sum() == 32
    pairs = zip(gradients(found, x), gradients(expected, x), strict=True)
    for mine, other in pairs:
        assert torch.equal(mine.isnan(), other.isnan())


@pytest.mark.usefixtures("compiler")
def test_same_bits_whatever_the_number_of_threads():
    x = maps(9, 16, 33, 31, dtype=torch.float32)

    def compute():
        norm, _ = norms(16, True, torch.float32)
        y = rectified(norm, x)
        return [y, norm.running_var, *gradients(y, x, *norm.parameters())]

    assert_same_bits_whatever_the_number_of_threads(compute)


def test_what_is_not_computed_here_is_left_to_torch():
    ours, theirs = norms(16, True)
    x = maps(2, 16, 4, 4)
    others = [x.contiguous(), x[:, :, ::2], maps(2, 16, 4, 4, dtype=torch.float32).bfloat16()]
    for given in others[:2]:
        assert "_BatchNorm" not in type(ours(given).grad_fn).__name__
        assert torch.equal(rectified(ours, given), F.relu(theirs(given)))
    with torch.autocast("cpu", torch.bfloat16):
        assert "_BatchNorm" not in type(ours(x).grad_fn).__name__
    assert BatchNorm(16, True).bfloat16()(others[2]).dtype == torch.bfloat16
    ours.eval()
    assert torch.equal(
        ours(x), F.batch_norm(x, ours.running_mean, ours.running_var, *ours.parameters())
    )
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        BatchNorm(16, False)(torch.randn(1, 16, 1, 1))


def test_another_batch_norm_is_rectified_as_it_is():
    """As after `synchronise` changed its class."""
    _, theirs = norms(4, True)
    x = maps(2, 4, 3, 3)
    assert torch.equal(rectified(theirs, x), F.relu(theirs(x)))


@pytest.mark.usefixtures("no_compiler")
def test_without_a_compiler_torch_computes_and_a_warning_says_so(caplog):
    ours, theirs = norms(16, True)
    x = maps(2, 16, 4, 4)
    with caplog.at_level(logging.WARNING):
        assert torch.equal(rectified(ours, x), F.relu(theirs(x)))
    assert "batch norms are slower than they could be: no-such-compiler" in caplog.text
    assert int(ours.num_batches_tracked) == 1


def test_statistics_that_are_not_tracked_are_as_exact_as_tracked_ones():
    """Of maps in bfloat16, where torch's own would keep them in 8 bits if nothing is in float32."""
    torch.manual_seed(0)
    norm, results = BatchNorm(4, affine=False), []
    x = (3 + torch.randn(8, 4, 5, 5)).bfloat16().requires_grad_()
    for tracked in (True, False):
        before = norm.running_mean.clone()
        norm.track_running_stats = tracked
        y = norm(x)
        results.append([y, *torch.autograd.grad(y.float().sin().sum(), x)])
        assert torch.equal(norm.running_mean, before) == (not tracked)
    assert all(torch.equal(*pair) for pair in zip(*results, strict=True))
