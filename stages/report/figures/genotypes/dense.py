"""A dense cell as a drawing: states on a diagonal, each edge a crossing of two lines.

The line down from a state and the line right into a node cross where their edge is; a dot there,
with the operation beside it, says that they are joined. An edge with `none` has no dot.
"""

from __future__ import annotations

from html import escape

from nassl.genotypes.dense import EDGES, ZERO, DenseCell, DenseGenotype
from stages.report.figures.genotypes.states import NAMES, short

COLUMN, ROW = 104, 52  # pixels between states
RADIUS = 15
NODES, INPUTS = 4, 2


def dense_cells(genotype: DenseGenotype) -> tuple[str, str, int, int]:
    """Body, description, width and height in pixels of both cells, one above the other."""
    cells = (("Normal cell", genotype.normal), ("Reduction cell", genotype.reduce))
    parts, top = [], 0
    for title, cell in cells:
        body, height = _cell(cell, title)
        parts.append(f'<g transform="translate(0 {top})">{body}</g>')
        top += height
    description = "; ".join(f"{title}: {_sentence(cell)}" for title, cell in cells)
    return "".join(parts), description, COLUMN * (INPUTS + NODES + 1), top


def _cell(cell: DenseCell, title: str) -> tuple[str, int]:
    operations = {
        edge: operation
        for edge, (operation, _) in zip(
            EDGES, (pair for node in cell for pair in node), strict=True
        )
        if operation != ZERO
    }
    column = [COLUMN // 2 + COLUMN * state for state in range(INPUTS + NODES + 1)]
    row = [56] * INPUTS + [56 + ROW * (node + 1) for node in range(NODES)]  # of every state
    bottom = row[-1] + ROW
    parts = [f'<text class="title" x="12" y="16">{escape(title)}</text>']
    for state in range(INPUTS + NODES - 1):  # down from a state to the last node that takes it
        if taken := [node for node, predecessor in operations if predecessor == state]:
            start, end = row[state] + RADIUS, row[INPUTS + max(taken)]
            parts.append(f'<path d="M{column[state]} {start}V{end}"/>')
    for node in range(NODES):  # right into a node, from the first state that it takes
        y = row[INPUTS + node]
        if given := [predecessor for target, predecessor in operations if target == node]:
            end = column[INPUTS + node] - RADIUS
            parts.append(f'<path d="M{column[min(given)]} {y}H{end}"/>')
        # All nodes together are the output.
        start = column[INPUTS + node] + RADIUS
        parts.append(f'<path class="faint" d="M{start} {y}H{column[-1]}"/>')
    first = row[INPUTS]
    parts.append(f'<path class="faint" d="M{column[-1]} {first}V{bottom - RADIUS}"/>')
    for (node, predecessor), operation in operations.items():
        x, y = column[predecessor], row[INPUTS + node]
        parts.append(f'<circle class="dot" cx="{x}" cy="{y}" r="3.5"/>')
        parts.append(
            f'<text class="start" x="{x + 7}" y="{y - 9}">{escape(short(operation))}</text>'
        )
    for name, x, y in zip((*NAMES, "k"), column, (*row, bottom), strict=True):
        parts.append(f'<circle class="state" cx="{x}" cy="{y}" r="{RADIUS}"/>')
        parts.append(f'<text x="{x}" y="{y}">{name}</text>')
    return "".join(parts), bottom + RADIUS + 16


def _sentence(cell: DenseCell) -> str:
    nodes = []
    for number, node in enumerate(cell, 1):
        terms = [f"{short(name)}({NAMES[state]})" for name, state in node if name != ZERO]
        nodes.append(f"node {number} = {' + '.join(terms) or '0'}")
    return ", ".join(nodes)
