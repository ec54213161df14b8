"""FaUNAE's space for ImageNet: a ResNet-50-like chain of blocks (FaUNAE sec. III.A, Fig. 2).

In every block the 3x3 convolution is one of six operations, or identity skips the whole block.
The first block of a stage changes width (and, after the first stage, resolution): identity would
not fit there, so that block has six candidates and every other block seven.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from nassl.files import InputError

# Split-attention convolutions (ResNeSt) by kernel size and radix; "SAConv2/4" in FaUNAE's Fig. 5.
OPERATIONS = (
    "conv_3x3",
    "conv_5x5",
    "sa_conv_3x3_r2",
    "sa_conv_3x3_r4",
    "sa_conv_5x5_r2",
    "sa_conv_5x5_r4",
    "identity",
)
IDENTITY = "identity"
RESNET50_DEPTHS = (3, 4, 6, 3)


@dataclass(frozen=True)
class Block:
    """One block of a chain: the stage it belongs to, from 1, and its operation."""

    stage: int
    operation: str


@dataclass(frozen=True)
class BlockGenotype:
    """A chain of blocks. `blocks` are in the order of the forward pass."""

    blocks: tuple[Block, ...]
    space: ClassVar[str] = "block"

    @property
    def depths(self) -> tuple[int, ...]:
        """Number of blocks in each stage, identities included."""
        stages = [block.stage for block in self.blocks]
        return tuple(stages.count(stage) for stage in range(1, max(stages) + 1))

    @property
    def choice(self) -> tuple[str, ...]:
        """The operation of every block."""
        return tuple(block.operation for block in self.blocks)

    def to_json(self) -> dict[str, Any]:
        blocks = [{"stage": block.stage, "operation": block.operation} for block in self.blocks]
        return {"space": self.space, "blocks": blocks}

    @classmethod
    def from_json(cls, content: Mapping[str, Any], where: str) -> BlockGenotype:
        """Raises InputError naming `where`, the block, what was found and what is allowed."""
        blocks = content.get("blocks")
        if set(content) != {"space", "blocks"} or not isinstance(blocks, list) or not blocks:
            raise InputError(
                f"{where} has the keys {sorted(content)}; a block genotype has 'space' and a list "
                "of 'blocks', each like {'stage': 1, 'operation': 'conv_3x3'}"
            )
        read: list[Block] = []
        for number, block in enumerate(blocks):
            place = f"{where}: blocks[{number}]"
            if not isinstance(block, dict) or set(block) != {"stage", "operation"}:
                raise InputError(f"{place} is {block!r}; expected the keys 'stage' and 'operation'")
            stage, operation = block["stage"], block["operation"]
            last = read[-1].stage if read else 0
            if type(stage) is not int or stage not in ((1,) if not read else (last, last + 1)):
                raise InputError(
                    f"{place}.stage is {stage!r}; stages are counted from 1 without a gap"
                )
            if operation not in OPERATIONS:
                raise InputError(
                    f"{place}.operation is {operation!r}; available: {', '.join(OPERATIONS)}"
                )
            if operation == IDENTITY and stage != last:
                raise InputError(
                    f"{place} is identity, but the first block of a stage changes width or "
                    "resolution and cannot be skipped"
                )
            read.append(Block(stage, operation))
        return cls(tuple(read))


def stages_of(depths: Sequence[int]) -> tuple[int, ...]:
    """The stage of every block: (1, 1, 2) for depths (2, 1)."""
    return tuple(stage for stage, depth in enumerate(depths, 1) for _ in range(depth))


def candidates(depths: Sequence[int]) -> tuple[tuple[str, ...], ...]:
    """The operations that each block of the space may have: seven, six in a stage's first block."""
    return tuple(
        OPERATIONS if place else OPERATIONS[:-1] for depth in depths for place in range(depth)
    )


def from_choice(depths: Sequence[int], choice: Sequence[str]) -> BlockGenotype:
    """The genotype with one operation of `choice` per block."""
    stages = stages_of(depths)
    return BlockGenotype(tuple(Block(*pair) for pair in zip(stages, choice, strict=True)))


def resnet50(depths: Sequence[int] = RESNET50_DEPTHS) -> BlockGenotype:
    """ResNet-50 in a space of `depths`: conv_3x3 in 3, 4, 6, 3 blocks, the extra blocks identity.

    In a stage of fewer blocks than ResNet-50's all are conv_3x3.
    """
    choice = [
        "conv_3x3" if place < wanted else IDENTITY
        for depth, wanted in zip(depths, RESNET50_DEPTHS[: len(depths)], strict=True)
        for place in range(depth)
    ]
    return from_choice(depths, choice)


def random_blocks(depths: Sequence[int], seed: int) -> BlockGenotype:
    """Every block's operation drawn uniformly from its candidates."""
    return from_choice(depths, next(draws(depths, seed)))


def draws(depths: Sequence[int], seed: int) -> Iterator[list[str]]:
    """Choices drawn uniformly, one after another, without end."""
    draw = random.Random(seed)
    while True:
        yield [draw.choice(allowed) for allowed in candidates(depths)]


def remap(genotype: BlockGenotype, depths: Sequence[int]) -> BlockGenotype:
    """`genotype` in a space of other depths: each stage keeps its blocks in order; identities are
    dropped from, or added to, the end of a stage until its depth fits.

    Raises InputError if the numbers of stages differ or a stage has too many real blocks.
    """
    if len(genotype.depths) != len(depths):
        raise InputError(
            f"the genotype has {len(genotype.depths)} stages, the space {len(depths)}; "
            "start from a genotype with as many stages"
        )
    choice: list[str] = []
    for stage, depth in enumerate(depths, 1):
        kept = [block.operation for block in genotype.blocks if block.stage == stage]
        while len(kept) > depth and IDENTITY in kept:
            del kept[len(kept) - 1 - kept[::-1].index(IDENTITY)]
        if len(kept) > depth:
            raise InputError(
                f"stage {stage} of the genotype has {len(kept)} blocks that are not identity, "
                f"the space has room for {depth}; raise the space's depths"
            )
        choice += kept + [IDENTITY] * (depth - len(kept))
    return from_choice(depths, choice)
