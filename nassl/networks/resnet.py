"""ResNet-18 and ResNet-50 of torchvision's blocks, without the classifier.

Parameters carry torchvision's names, so that its weights fit. torchvision is imported when a
network is built: it takes seconds.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nassl.kernels.winograd import use_winograd
from nassl.networks import subgrids
from nassl.networks.network import FeatureNetwork
from nassl.settings import Network, SettingsError

BLOCKS = {18: (2, 2, 2, 2), 50: (3, 4, 6, 3)}


class ShortcutConv(nn.Conv2d):
    """A 1x1 convolution, of stride 2 on the pixels that it reads where oneDNN's gradient of it is
    unsafe: of fewer than 16 channels and more than 32x32 pixels it writes behind its result
    (torch 2.14 with AVX-512; 8 to 16 channels on 48x72 end in a segmentation fault)."""

    def forward(self, x: Tensor) -> Tensor:
        unsafe = self.in_channels < 16 and x.shape[2] * x.shape[3] > 32 * 32
        if self.stride == (2, 2) and unsafe and x.device.type == "cpu":
            return F.conv2d(subgrids.even(x), self.weight)
        return super().forward(x)


class ResNet(FeatureNetwork):
    """(B, in_channels, H, W) -> (B, feature_dim).

    Stem `imagenet`: 7x7 convolution of stride 2 and max pooling. Stem `cifar`: 3x3 convolution of
    stride 1, no pooling (SSNAS sec. 4.1). `channels` is the width of the first stage, 64 if 0.
    """

    layer1: nn.Module
    layer2: nn.Module
    layer3: nn.Module
    layer4: nn.Module

    def __init__(self, depth: int, network: Network, in_channels: int = 3) -> None:
        super().__init__()
        from torchvision.models.resnet import BasicBlock, Bottleneck

        if network.stem not in ("cifar", "imagenet"):
            raise SettingsError(f"stem is {network.stem!r}; available: cifar, imagenet")
        block = BasicBlock if depth == 18 else Bottleneck
        width = network.channels or 64
        if network.stem == "imagenet":
            self.conv1 = nn.Conv2d(in_channels, width, 7, 2, 3, bias=False)
            self.maxpool: nn.Module = nn.MaxPool2d(3, 2, 1)
        else:
            self.conv1 = nn.Conv2d(in_channels, width, 3, 1, 1, bias=False)
            self.maxpool = nn.Identity()
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        channels = width
        for stage, count in enumerate(BLOCKS[depth]):
            planes = width * 2**stage
            blocks = []
            for index in range(count):
                stride = 2 if stage > 0 and index == 0 else 1
                shortcut = None
                if stride == 2 or channels != planes * block.expansion:
                    shortcut = nn.Sequential(
                        ShortcutConv(channels, planes * block.expansion, 1, stride, bias=False),
                        nn.BatchNorm2d(planes * block.expansion),
                    )
                blocks.append(block(channels, planes, stride, shortcut))
                channels = planes * block.expansion
            self.add_module(f"layer{stage + 1}", nn.Sequential(*blocks))
        self.feature_dim = channels
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        self.to(memory_format=torch.channels_last)
        use_winograd(self)

    @property
    def drop_path(self) -> float | Tensor:
        return 0.0

    @drop_path.setter
    def drop_path(self, probability: float | Tensor) -> None:
        if probability:
            raise SettingsError(f"recipe.drop_path is {probability}; resnets have none: set 0")

    def forward(self, x: Tensor) -> Tensor:
        x = x.contiguous(memory_format=torch.channels_last)
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return x.mean(dim=(2, 3))
