"""The over-parameterised network of FaUNAE's block space (sec. III.A, Fig. 2)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from nassl.genotypes.block import IDENTITY, BlockGenotype, candidates, from_choice, resnet50
from nassl.networks.block_network import OPERATIONS, BottleneckFrame, Stem, frames, initialise
from nassl.networks.network import module_dict, module_list
from nassl.settings import BlockSpace
from nassl.supernets.sampled import SampledSupernet


class SearchBlock(BottleneckFrame):
    """A bottleneck with every candidate operation between 1x1 convolutions that they share."""

    def __init__(self, in_channels: int, width: int, stride: int, allowed: tuple[str, ...]) -> None:
        super().__init__(in_channels, width, stride)
        self.operations = module_dict(
            {name: OPERATIONS[name](width, stride) for name in allowed if name != IDENTITY}
        )

    def forward(self, x: Tensor, operation: str) -> Tensor:
        return x if operation == IDENTITY else self.around(self.operations[operation], x)


class BlockSupernet(SampledSupernet):
    """`choice` is the sub-network, at first ResNet-50's. `gates`, if set, has for every block the
    name of a second operation and two gate values (2,): the block's output is then
    gates[0] * chosen + gates[1] * second, of which only the gates of the second get a gradient
    (the two-path step of ProxylessNAS, sec. 3.2.1)."""

    def __init__(self, space: BlockSpace, in_channels: int = 3) -> None:
        super().__init__()
        depths = tuple(space.depths)
        self.depths = depths
        self.stem = Stem(space.stem, space.channels, in_channels)
        shapes = frames(space.channels, depths)
        allowed = candidates(depths)
        self.blocks = module_list(
            SearchBlock(*shape, names) for shape, names in zip(shapes, allowed, strict=True)
        )
        self.places = [
            {name: [block.operations[name]] if name != IDENTITY else [] for name in names}
            for block, names in zip(self.blocks, allowed, strict=True)
        ]
        self.choice = resnet50(depths).choice
        self.gates: list[tuple[str, Tensor]] | None = None
        self.feature_dim = shapes[-1][1] * 4
        initialise(self)
        self.to(memory_format=torch.channels_last)

    def forward(self, x: Tensor) -> Tensor:
        """(B, 3, H, W) -> (B, feature_dim)."""
        x = self.stem(x.contiguous(memory_format=torch.channels_last))
        for number, (block, operation) in enumerate(zip(self.blocks, self.choice, strict=True)):
            y = block(x, operation)
            if self.gates is not None:
                second, gate = self.gates[number]
                y = gate[0] * y + gate[1] * block(x, second).detach()
            x = y
        return x.mean((2, 3))

    def _find_active(self) -> list[nn.Parameter]:
        """Without the 1x1 convolutions of blocks that identity skips."""
        skipped = {
            id(p)
            for block, name in zip(self.blocks, self.choice, strict=True)
            if name == IDENTITY
            for p in block.parameters()
        }
        return [p for p in super()._find_active() if id(p) not in skipped]

    def genotype(self) -> BlockGenotype:
        """The current sub-network."""
        return from_choice(self.depths, self.choice)
