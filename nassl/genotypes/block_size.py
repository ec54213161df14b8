"""Parameters of a chain of blocks, counted from its genotype alone (FaUNAE sec. III.A, Fig. 2).

The built network of `nassl.networks.block_network` has exactly these; imports no torch.
"""

from __future__ import annotations

from collections.abc import Sequence

from nassl.genotypes.block import IDENTITY, BlockGenotype, draws, from_choice, resnet50

RESNET50_CHANNELS = 64
EXPANSION = 4  # of a bottleneck's width


def operation_parameters(operation: str, width: int) -> int:
    """Of the operation between a block's 1x1 convolutions, with its batch norms."""
    if operation == IDENTITY:
        return 0
    if operation.startswith("conv_"):
        kernel = int(operation[5])
        return kernel**2 * width**2 + 2 * width
    kernel, radix = int(operation[8]), int(operation[-1])  # sa_conv_5x5_r4
    hidden = max(width * radix // 4, 32)
    splits = width * radix
    return (
        kernel**2 * width**2  # `radix` groups, each of width / radix to width channels
        + 2 * splits
        + (width + 1) * hidden
        + 2 * hidden
        + (hidden + 1) * splits
    )


def chain_parameters(
    depths: Sequence[int], choice: Sequence[str], channels: int = RESNET50_CHANNELS
) -> int:
    """Of the backbone with one operation of `choice` per block, ImageNet's stem included:
    23,508,032 for ResNet-50."""
    total, arriving = 7 * 7 * 3 * channels + 2 * channels, channels
    operations = iter(choice)
    for stage, depth in enumerate(depths):
        width = channels * 2**stage
        leaving = EXPANSION * width
        for place in range(depth):
            operation = next(operations)
            if operation == IDENTITY:
                continue
            total += arriving * width + 2 * width + width * leaving + 2 * leaving
            total += operation_parameters(operation, width)
            if place == 0:  # width or resolution changes: a projection on the shortcut
                total += arriving * leaving + 2 * leaving
            arriving = leaving
    return total


def random_as_large_as_resnet50(
    depths: Sequence[int], seed: int, tolerance: float = 0.1
) -> BlockGenotype:
    """The same, drawn again until it has ResNet-50's parameters (of the same `depths`), give or
    take the share `tolerance` (decided: uniform draws have 28 to 54 million, FaUNAE's table 2
    reports 23)."""
    wanted = chain_parameters(depths, resnet50(depths).choice)
    for choice in draws(depths, seed):
        if abs(chain_parameters(depths, choice) - wanted) <= tolerance * wanted:
            return from_choice(depths, choice)
    raise AssertionError("draws have no end")
