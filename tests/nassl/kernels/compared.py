"""What tests of kernels share: random maps, gradients, and how far results are apart."""

from __future__ import annotations

import torch

ON_MAPS = {"memory_format": torch.channels_last}


def maps(*shape, dtype=torch.float64, scale=1.0, mean=0.0):
    """Normally distributed maps (B, C, H, W), channels last, that want a gradient."""
    torch.manual_seed(0)
    x = scale * torch.randn(shape, dtype=dtype) + mean
    return x.contiguous(**ON_MAPS).requires_grad_()


def gradients(y, *inputs):
    """Gradients of a sum in which every number of y has another weight."""
    weights = torch.linspace(-1, 2, y.numel(), dtype=y.dtype).view(y.shape)
    return torch.autograd.grad(y, inputs, weights)


def relative(found, expected):
    """The largest difference as a share of the largest number."""
    return ((found.double() - expected).abs().max() / expected.abs().max()).item()


def assert_gradients_equal(found, expected, tolerance=1e-12):
    """`found` and `expected`: an output and its inputs each."""
    pairs = zip(gradients(*found), gradients(*expected), strict=True)
    for mine, other in pairs:
        assert relative(mine, other) < tolerance


def assert_same_bits_whatever_the_number_of_threads(compute):
    """`compute` returns a list of tensors."""
    threads, runs = torch.get_num_threads(), []
    try:
        for count in (1, 2, 3, 1):
            torch.set_num_threads(count)
            runs.append(compute())
    finally:
        torch.set_num_threads(threads)
    for run in runs[1:]:
        assert all(torch.equal(found, first) for found, first in zip(run, runs[0], strict=True))
