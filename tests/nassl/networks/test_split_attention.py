from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from nassl.networks.split_attention import SplitAttentionConv


def literal(m: SplitAttentionConv, x: torch.Tensor, kernel: int, stride: int) -> torch.Tensor:
    """ResNeSt sec. 3.1 split by split, cardinality 1, in training mode."""

    def norm(bn, y):
        mean, var = y.mean((0, 2, 3), keepdim=True), y.var((0, 2, 3), keepdim=True, correction=0)
        y = (y - mean) / (var + bn.eps).sqrt()
        return y * bn.weight[:, None, None] + bn.bias[:, None, None]

    radix = m.radix
    share = x.shape[1] // radix
    weights = m.conv.weight.chunk(radix)
    u = [
        F.conv2d(x[:, r * share : (r + 1) * share], weights[r], None, stride, kernel // 2)
        for r in range(radix)
    ]
    u = list(norm(m.bn0, torch.cat(u, 1)).relu().chunk(radix, 1))
    gap = sum(u).mean((2, 3), keepdim=True)  # eq. 1 of ResNeSt
    hidden = norm(m.bn1, F.conv2d(gap, m.fc1.weight, m.fc1.bias)).relu()
    logits = F.conv2d(hidden, m.fc2.weight, m.fc2.bias).chunk(radix, 1)
    total = sum(logit.exp() for logit in logits)  # eq. 3: softmax over the splits
    return sum(logit.exp() / total * split for logit, split in zip(logits, u, strict=True))


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("radix", [2, 4])
@pytest.mark.parametrize("kernel", [3, 5])
def test_equals_the_paper_split_by_split(kernel, radix, stride):
    torch.manual_seed(0)
    m = SplitAttentionConv(8, 12, kernel, radix, stride).double()
    for bn in (m.bn0, m.bn1):
        torch.nn.init.normal_(bn.weight)
        torch.nn.init.normal_(bn.bias)
    x = torch.randn(3, 8, 7, 7, dtype=torch.float64)
    torch.testing.assert_close(m(x), literal(m, x, kernel, stride), rtol=1e-12, atol=1e-12)


def test_bottleneck_has_a_quarter_of_the_channels_times_radix_and_at_least_32():
    assert SplitAttentionConv(32, 32, 3, 2).fc1.out_channels == 32  # a quarter would be 16
    assert SplitAttentionConv(256, 256, 3, 4).fc1.out_channels == 256
    # 3 * 3 * 64 * 64 whatever the radix
    assert SplitAttentionConv(64, 64, 3, 4).conv.weight.numel() == 36864


def test_refuses_channels_that_cannot_be_split():
    with pytest.raises(ValueError, match="6 channels cannot be split by radix 4"):
        SplitAttentionConv(6, 8, 3, 4)
