from __future__ import annotations

import torch

from stages.core.networks.mixing import add_up, weighted_sum


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
