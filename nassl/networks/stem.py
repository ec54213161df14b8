"""The stems that feed the first cell (SSNAS sec. 4.1, as in DARTS)."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from nassl.kernels.batch_norm import BatchNorm
from nassl.settings import SettingsError


class Stem(nn.Module):
    """(B, in_channels, H, W) to the older and the newer input of cell 0, each with `out_channels`
    channels."""

    out_channels: int
    first_reduces: bool  # whether cell 0 sees its older input at twice the resolution


class CifarStem(Stem):
    """3x3 convolution to three times the channels of a cell, batch norm; resolution kept."""

    first_reduces = False

    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__()
        self.out_channels = 3 * channels
        self.conv = nn.Conv2d(in_channels, self.out_channels, 3, padding=1, bias=False)
        # Affine in the supernet too, as in DARTS.
        self.norm = BatchNorm(self.out_channels, affine=True)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = self.norm(self.conv(x))
        return x, x


class ImageNetStem(Stem):
    """Three 3x3 convolutions of stride 2; the older input of cell 0 is taken after two of them."""

    first_reduces = True

    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__()
        self.out_channels = channels
        self.stem0 = nn.Sequential(
            nn.Conv2d(in_channels, channels // 2, 3, 2, 1, bias=False),
            BatchNorm(channels // 2, affine=True),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels // 2, channels, 3, 2, 1, bias=False),
            BatchNorm(channels, affine=True),
        )
        self.stem1 = nn.Sequential(
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, 2, 1, bias=False),
            BatchNorm(channels, affine=True),
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        older = self.stem0(x)
        return older, self.stem1(older)


STEMS: dict[str, Callable[[int, int], Stem]] = {"cifar": CifarStem, "imagenet": ImageNetStem}


def build_stem(kind: str, in_channels: int, channels: int) -> Stem:
    """Raises SettingsError if there is no such stem."""
    if kind not in STEMS:
        raise SettingsError(f"stem is {kind!r}; available: {', '.join(STEMS)}")
    return STEMS[kind](in_channels, channels)
