"""The split-attention convolution of ResNeSt (Zhang et al. 2020, Fig. 2 and sec. 3.1)."""

from __future__ import annotations

from torch import Tensor, nn


class SplitAttentionConv(nn.Module):
    """Cardinality 1: `radix` splits, each a convolution of its own share of the input channels,
    summed with weights that a small bottleneck computes from their pooled sum.

    (B, C_in, H, W) -> (B, C_out, H / stride, W / stride). Normalised and rectified inside, so no
    batch norm or ReLU follows it. `C_in` must be divisible by `radix`.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        radix: int,
        stride: int = 1,
        reduction: int = 4,
    ) -> None:
        super().__init__()
        if in_channels % radix:
            raise ValueError(f"{in_channels} channels cannot be split by radix {radix}")
        self.radix = radix
        splits = out_channels * radix
        # ResNeSt's code: at least 32 channels in the bottleneck.
        hidden = max(in_channels * radix // reduction, 32)
        self.conv = nn.Conv2d(
            in_channels,
            splits,
            kernel_size,
            stride,
            padding=kernel_size // 2,
            groups=radix,
            bias=False,
        )
        self.bn0 = nn.BatchNorm2d(splits)
        self.relu = nn.ReLU(inplace=True)
        self.fc1 = nn.Conv2d(out_channels, hidden, 1)
        self.bn1 = nn.BatchNorm2d(hidden)
        self.fc2 = nn.Conv2d(hidden, splits, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.bn0(self.conv(x)))
        splits = x.unflatten(1, (self.radix, -1))  # (B, R * C, H, W) -> (B, R, C, H, W)
        pooled = splits.mean((3, 4)).sum(1)[..., None, None]  # (B, C, 1, 1)
        logits = self.fc2(self.relu(self.bn1(self.fc1(pooled))))
        # Radix-softmax: over the splits, channel by channel.
        attention = logits.unflatten(1, (self.radix, -1)).softmax(1)  # (B, R, C, 1, 1)
        return (attention * splits).sum(1)
