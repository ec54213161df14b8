"""A genotype as a drawing: one self-contained SVG, readable on light and on dark pages.

States of a cell are drawn in a row from left to right, edges are arcs above and below the row with
the operation written on them. Dense cells are in `dense.py`, chains of blocks in `chain.py`.
"""

from __future__ import annotations

from html import escape

from nassl.genotypes import Genotype
from nassl.genotypes.block import BlockGenotype
from nassl.genotypes.cell import INPUTS, NODES, Cell, CellGenotype
from nassl.genotypes.dense import DenseGenotype
from nassl.genotypes.resnet import ResNetGenotype
from stages.report.drawings.chain import block_chain, resnet_chain
from stages.report.drawings.dense import dense_cells

STEP = 116  # pixels between states
RADIUS = 17
LINE = 26  # height of the arcs of one level
STYLE = """
  .genotype { color: #1b1f24; font: 12px system-ui, sans-serif; }
  .genotype text { fill: currentColor; text-anchor: middle; dominant-baseline: central; }
  .genotype .title { font-weight: 600; text-anchor: start; }
  .genotype .state { fill: none; stroke: currentColor; stroke-width: 1.5; }
  .genotype path { fill: none; stroke: currentColor; stroke-width: 1.2; opacity: .75; }
  .genotype .skip { stroke-dasharray: 5 3; }
  .genotype .faint { opacity: .3; }
  .genotype .start { text-anchor: start; }
  .genotype .dot { fill: currentColor; }
  .genotype .shaded { fill: currentColor; fill-opacity: .12; }
  @media (prefers-color-scheme: dark) { .genotype { color: #e6e9ee; } }
"""
SHORT = {
    "max_pool_3x3": "max pool 3",
    "avg_pool_3x3": "avg pool 3",
    "skip_connect": "skip",
    "sep_conv_3x3": "sep conv 3",
    "sep_conv_5x5": "sep conv 5",
    "dil_conv_3x3": "dil conv 3",
    "dil_conv_5x5": "dil conv 5",
}


def draw(genotype: Genotype, name: str = "") -> str:
    """SVG text with a title and a description. Raises ValueError for a space without a drawing."""
    drawings = {
        CellGenotype: _cells,
        ResNetGenotype: resnet_chain,
        BlockGenotype: block_chain,
        DenseGenotype: dense_cells,
    }
    if type(genotype) not in drawings:
        raise ValueError(f"no drawing for the space {genotype.space!r}")
    body, description, width, height = drawings[type(genotype)](genotype)
    return _page(name or f"{genotype.space} architecture", description, body, width, height)


def _cells(genotype: CellGenotype) -> tuple[str, str, int, int]:
    parts, top = [], 0
    for title, cell in (("Normal cell", genotype.normal), ("Reduction cell", genotype.reduce)):
        body, height = _cell(cell, title)
        parts.append(f'<g transform="translate(0 {top})" style="font-size:15px">{body}</g>')
        top += height
    description = "; ".join(
        f"{title}: {_sentence(cell)}"
        for title, cell in (("normal", genotype.normal), ("reduction", genotype.reduce))
    )
    return "".join(parts), description, STEP * (INPUTS + NODES + 1), top


def _cell(cell: Cell, title: str) -> tuple[str, int]:
    """Row of states k-2, k-1, 1..4, k with arcs; first edges above the row, second ones below."""
    states = INPUTS + NODES
    # States between the ends of the longest arc of either side: as high as it needs to be.
    above, below = (
        max(INPUTS + node - edges[side][1] for node, edges in enumerate(cell)) for side in (0, 1)
    )
    middle = LINE * above + RADIUS + 42
    height = middle + LINE * max(below, 1) + RADIUS + 32
    centre = [STEP // 2 + STEP * state for state in range(states + 1)]
    parts = [f'<text class="title" x="12" y="16">{escape(title)}</text>']
    for node, edges in enumerate(cell):
        target = INPUTS + node
        for (operation, state), side in zip(edges, (-1, 1), strict=True):
            parts.append(_arc(centre[state], centre[target], middle, side, operation))
    for node in range(NODES):  # their concatenation is the output
        state = INPUTS + node
        start, end, bow = centre[state] + RADIUS, centre[states] - RADIUS, 12 * (NODES - 1 - node)
        path = f"M{start} {middle}Q{(start + end) // 2} {middle + 2 * bow} {end} {middle}"
        parts.append(f'<path d="{path}" opacity=".3"/>')
    labels = ["k-2", "k-1", *(str(node + 1) for node in range(NODES)), "k"]
    for x, label in zip(centre, labels, strict=True):
        parts.append(f'<circle class="state" cx="{x}" cy="{middle}" r="{RADIUS}"/>')
        parts.append(f'<text x="{x}" y="{middle}">{label}</text>')
    return "".join(parts), height


def _arc(start: int, end: int, middle: int, side: int, operation: str) -> str:
    height = LINE * (end - start) // STEP
    y, peak = middle + side * RADIUS, middle + side * (RADIUS + height)
    control = middle + side * (RADIUS + 2 * height)
    x = (start + end) // 2
    kind = ' class="skip"' if operation == "skip_connect" else ""
    label = escape(SHORT.get(operation, operation))
    return (
        f'<path{kind} d="M{start} {y}Q{x} {control} {end} {y}"/>'
        f'<text x="{x}" y="{peak + side * 10}">{label}</text>'
    )


def _sentence(cell: Cell) -> str:
    names = ["k-2", "k-1", *(str(node + 1) for node in range(NODES))]
    sums = (
        " + ".join(
            f"{SHORT.get(operation, operation)}({names[state]})" for operation, state in edges
        )
        for edges in cell
    )
    return ", ".join(f"node {node} = {terms}" for node, terms in enumerate(sums, start=1))


def _page(title: str, description: str, body: str, width: int, height: int) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img" style="max-width:100%;height:auto">'
        f"<title>{escape(title)}</title><desc>{escape(description)}</desc>"
        f'<style>{STYLE}</style><g class="genotype">{body}</g></svg>'
    )
