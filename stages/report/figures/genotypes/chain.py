"""A chain as a drawing: a row per stage with its blocks, or a published ResNet in one row."""

from __future__ import annotations

from html import escape

from nassl.genotypes.block import IDENTITY, BlockGenotype
from nassl.genotypes.resnet import ResNetGenotype

WIDTH, HEIGHT, GAP, ROW = 96, 40, 24, 76  # pixels: a block, between blocks, between stages
MARGIN = 12
STAGES = {18: (2, 2, 2, 2), 50: (3, 4, 6, 3)}  # blocks of the published ResNets


def block_chain(genotype: BlockGenotype) -> tuple[str, str, int, int]:
    """Body, description, width and height in pixels.

    Split-attention convolutions are shaded, skipped blocks dashed; the first block of every stage
    but the first halves the resolution, and each stage has twice the channels of the one before.
    """
    stages: list[list[str]] = [[] for _ in genotype.depths]
    for block in genotype.blocks:
        stages[block.stage - 1].append(block.operation)
    left = MARGIN + WIDTH + GAP  # the stem and the pooling have a column of their own
    width = left + max(genotype.depths) * (WIDTH + GAP) + MARGIN
    parts = [_box(MARGIN, 28, ["stem"])]
    for number, operations in enumerate(stages):
        y = 28 + ROW * number
        middle = y + HEIGHT // 2
        note = ", half the side" if number else ""
        parts.append(f'<text class="title" x="{left}" y="{y - 13}">Stage {number + 1}{note}</text>')
        parts.append(f'<path d="M{left - GAP} {middle}h{GAP}"/>')
        for place, operation in enumerate(operations):
            x = left + place * (WIDTH + GAP)
            parts.append(_block(x, y, operation))
            if place:
                parts.append(f'<path d="M{x - GAP} {middle}h{GAP}"/>')
        end = left + len(operations) * (WIDTH + GAP) - GAP
        below, start = y + HEIGHT + 8, left - GAP
        parts.append(f'<path d="M{end} {middle}h10V{below}H{start}V{middle + ROW}"/>')
    y = 28 + ROW * len(stages)
    parts.append(f'<path d="M{left - GAP} {y + HEIGHT // 2}h{GAP}"/>')
    parts.append(_box(left, y, ["pool"]))
    description = "; ".join(
        f"stage {number}: {', '.join(' '.join(_label(name)) for name in operations)}"
        for number, operations in enumerate(stages, 1)
    )
    return "".join(parts), f"a stem; {description}; pooling", width, y + HEIGHT + MARGIN


def resnet_chain(genotype: ResNetGenotype) -> tuple[str, str, int, int]:
    """Body, description, width and height in pixels."""
    blocks = STAGES[genotype.depth]
    labels = ["stem", *(f"{count} blocks" for count in blocks), "pool"]
    parts = []
    for place, label in enumerate(labels):
        x = MARGIN + place * (WIDTH + GAP)
        parts.append(_box(x, MARGIN, [label]))
        if place:
            parts.append(f'<path d="M{x - GAP} {MARGIN + HEIGHT // 2}h{GAP}"/>')
    description = f"ResNet-{genotype.depth}: a stem, four stages of {blocks} blocks, pooling"
    return "".join(parts), description, len(labels) * (WIDTH + GAP), HEIGHT + 2 * MARGIN


def _block(x: int, y: int, operation: str) -> str:
    if operation == IDENTITY:
        middle = y + HEIGHT // 2
        line = f'<path class="skip" d="M{x} {middle}h{WIDTH}"/>'
        return line + f'<text x="{x + WIDTH // 2}" y="{middle - 10}">identity</text>'
    return _box(x, y, _label(operation), "shaded" if operation.startswith("sa_") else "")


def _label(operation: str) -> list[str]:
    """`split att. 3`, `radix 2` for sa_conv_3x3_r2; `conv 3` for conv_3x3."""
    if operation == IDENTITY:
        return ["identity"]
    kind, _, rest = operation.rpartition("conv_")
    kernel, _, radix = rest.partition("_r")
    if kind == "sa_":
        return [f"split att. {kernel[0]}", f"radix {radix}"]
    return [f"conv {kernel[0]}"]


def _box(x: int, y: int, lines: list[str], kind: str = "") -> str:
    box = (
        f'<rect class="{f"state {kind}".strip()}" x="{x}" y="{y}" width="{WIDTH}" '
        f'height="{HEIGHT}" rx="6"/>'
    )
    first = y + HEIGHT // 2 - 8 * (len(lines) - 1)
    return box + "".join(
        f'<text x="{x + WIDTH // 2}" y="{first + 16 * number}">{escape(line)}</text>'
        for number, line in enumerate(lines)
    )
