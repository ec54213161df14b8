from __future__ import annotations

import pytest
import torch

from nassl.kernels import mixing
from nassl.kernels.mixing import add_up, weighted_sum


def maps(count):
    torch.manual_seed(0)
    return [torch.randn(2, 3, 2, 2, dtype=torch.float64, requires_grad=True) for _ in range(count)]


def test_weighted_sum():
    mixed, rest = maps(3), maps(2)
    weights = torch.tensor([0.3, 0.0, -2.0], dtype=torch.float64, requires_grad=True)

    def function(weights, *tensors):
        return weighted_sum(weights, tensors[:3], tensors[3:])

    expected = sum(w * m for w, m in zip(weights, mixed, strict=True)) + sum(rest)
    torch.testing.assert_close(function(weights, *mixed, *rest), expected, rtol=0, atol=1e-14)
    assert torch.autograd.gradcheck(function, (weights, *mixed, *rest))
    assert torch.autograd.gradgradcheck(function, (weights, *mixed, *rest))


def test_sums_leave_their_terms_alone():
    terms = maps(3)
    before = [term.detach().clone() for term in terms]
    assert torch.autograd.gradcheck(lambda *tensors: add_up(tensors), tuple(terms))
    single = add_up(terms[:1])
    assert single.data_ptr() != terms[0].data_ptr()
    for term, value in zip(terms, before, strict=True):
        torch.testing.assert_close(term.detach(), value, rtol=0, atol=0)


# (images, channels, height, width): less than a vector; a last block and vector that are not full
@pytest.mark.parametrize("shape", [(1, 3, 1, 2), (5, 12, 17, 13)])
@pytest.mark.usefixtures("compiler")
def test_the_compiled_sum_is_that_of_torch(shape, monkeypatch):
    torch.manual_seed(0)
    layout = {"memory_format": torch.channels_last}
    tensors = [torch.randn(shape, dtype=torch.float64).contiguous(**layout) for _ in range(6)]
    *terms, gradient = tensors
    weights = torch.tensor([0.3, 0.0, -2.0], dtype=torch.float64, requires_grad=True)
    for term in (terms[0], terms[2], terms[3]):
        term.requires_grad_()
    inputs = weights, terms[0], terms[2], terms[3]
    calls, call = [], mixing._call
    monkeypatch.setattr(mixing, "_call", lambda *given: calls.append(given[0]) or call(*given))
    found = weighted_sum(weights, terms[:3], terms[3:])
    expected = sum(w * m for w, m in zip(weights, terms[:3], strict=True)) + sum(terms[3:])
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-13)
    pairs = zip(
        torch.autograd.grad(found, inputs, gradient),
        torch.autograd.grad(expected, inputs, gradient),
        strict=True,
    )
    for mine, other in pairs:
        torch.testing.assert_close(mine, other, rtol=1e-12, atol=1e-12)
    assert calls == ["weighted_sum", "gradients"]
    torch.testing.assert_close(add_up(terms), sum(terms), rtol=0, atol=1e-13)
    assert calls[2:] == ["weighted_sum"]
