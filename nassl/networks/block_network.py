"""The discrete network of a block genotype: a ResNet of bottlenecks (FaUNAE sec. III.A, Fig. 2).

With conv_3x3 in 3, 4, 6, 3 blocks, 64 channels and the ImageNet stem it is torchvision's ResNet-50.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from nassl.genotypes.block import IDENTITY, BlockGenotype
from nassl.kernels.winograd import use_winograd
from nassl.networks.network import FeatureNetwork
from nassl.networks.split_attention import SplitAttentionConv

EXPANSION = 4


class ConvNormReLU(nn.Module):
    """Convolution, batch norm, ReLU: (B, C, H, W) -> (B, C, H / stride, W / stride)."""

    def __init__(self, width: int, kernel_size: int, stride: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(
            width, width, kernel_size, stride, padding=kernel_size // 2, bias=False
        )
        self.bn = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(self.bn(self.conv(x)))


OPERATIONS: dict[str, Callable[[int, int], nn.Module]] = {
    "conv_3x3": lambda width, stride: ConvNormReLU(width, 3, stride),
    "conv_5x5": lambda width, stride: ConvNormReLU(width, 5, stride),
    "sa_conv_3x3_r2": lambda width, stride: SplitAttentionConv(width, width, 3, 2, stride),
    "sa_conv_3x3_r4": lambda width, stride: SplitAttentionConv(width, width, 3, 4, stride),
    "sa_conv_5x5_r2": lambda width, stride: SplitAttentionConv(width, width, 5, 2, stride),
    "sa_conv_5x5_r4": lambda width, stride: SplitAttentionConv(width, width, 5, 4, stride),
}


class BottleneckFrame(nn.Module):
    """The part of a bottleneck that the candidates of a block share: both 1x1 convolutions and the
    projection of the shortcut. The stride is in the operation between them, as in torchvision."""

    def __init__(self, in_channels: int, width: int, stride: int) -> None:
        super().__init__()
        out_channels = width * EXPANSION
        self.conv1 = nn.Conv2d(in_channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, out_channels, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(out_channels)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = None
        if stride != 1 or in_channels != out_channels:
            self.downsample = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, stride, bias=False),
                nn.BatchNorm2d(out_channels),
            )

    def around(self, operation: nn.Module, x: Tensor) -> Tensor:
        """(B, C_in, H, W) -> (B, 4 * width, H / stride, W / stride)."""
        shortcut = x if self.downsample is None else self.downsample(x)
        y = operation(self.relu(self.bn1(self.conv1(x))))
        return self.relu(self.bn3(self.conv3(y)) + shortcut)


class Bottleneck(BottleneckFrame):
    """A bottleneck with one operation."""

    def __init__(self, in_channels: int, width: int, stride: int, operation: str) -> None:
        super().__init__(in_channels, width, stride)
        self.operation = OPERATIONS[operation](width, stride)

    def forward(self, x: Tensor) -> Tensor:
        return self.around(self.operation, x)


class Stem(nn.Module):
    """`imagenet`: 7x7 convolution of stride 2 and max pooling, a quarter of the resolution;
    `cifar`: 3x3 convolution, full resolution."""

    def __init__(self, kind: str, channels: int, in_channels: int = 3) -> None:
        super().__init__()
        if kind == "imagenet":
            self.conv1 = nn.Conv2d(in_channels, channels, 7, 2, 3, bias=False)
            self.pool: nn.Module = nn.MaxPool2d(3, 2, 1)
        elif kind == "cifar":
            self.conv1 = nn.Conv2d(in_channels, channels, 3, 1, 1, bias=False)
            self.pool = nn.Identity()
        else:
            raise ValueError(f"stem is {kind!r}; available: cifar, imagenet")
        self.bn1 = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.pool(self.relu(self.bn1(self.conv1(x))))


def frames(channels: int, depths: tuple[int, ...]) -> list[tuple[int, int, int]]:
    """(in_channels, width, stride) of every block of a chain of `depths`."""
    found, in_channels = [], channels
    for stage, depth in enumerate(depths):
        width = channels * 2**stage
        for place in range(depth):
            found.append((in_channels, width, 2 if stage and not place else 1))
            in_channels = width * EXPANSION
    return found


def initialise(network: nn.Module) -> None:
    """torchvision's ResNet initialisation: He for convolutions by fan-out, batch norm 1 and 0."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")


class BlockNetwork(FeatureNetwork):
    """`forward`: (B, 3, H, W) -> pooled features (B, feature_dim). Identity blocks are left out.

    `layer1`, `layer2`, ... are the stages; `stages(x)` gives the map after each of them.
    """

    def __init__(
        self, genotype: BlockGenotype, channels: int, stem: str, in_channels: int = 3
    ) -> None:
        super().__init__()
        self.stem = Stem(stem, channels, in_channels)
        blocks: list[list[Bottleneck]] = [[] for _ in genotype.depths]
        shapes = frames(channels, genotype.depths)
        for block, shape in zip(genotype.blocks, shapes, strict=True):
            if block.operation != IDENTITY:
                blocks[block.stage - 1].append(Bottleneck(*shape, block.operation))
        self.depth = len(blocks)
        for stage, members in enumerate(blocks, 1):
            self.add_module(f"layer{stage}", nn.Sequential(*members))
        self.feature_dim = channels * 2 ** (self.depth - 1) * EXPANSION
        initialise(self)
        self.to(memory_format=torch.channels_last)
        use_winograd(self)

    def stages(self, x: Tensor) -> list[Tensor]:
        """The map after each stage, (B, C, H, W)."""
        maps = [self.stem(x.contiguous(memory_format=torch.channels_last))]
        for stage in range(1, self.depth + 1):
            maps.append(getattr(self, f"layer{stage}")(maps[-1]))
        return maps[1:]

    def forward(self, x: Tensor) -> Tensor:
        return self.stages(x)[-1].mean((2, 3))
