"""Two cells as drawings, one above the other.

States are in a row from left to right, edges are arcs above and below the row with the operation
written on them.
"""

from __future__ import annotations

from html import escape

from nassl.genotypes.cell import INPUTS, NODES, Cell, CellGenotype
from stages.report.figures.genotypes.states import NAMES, short

STEP = 116  # pixels between states
RADIUS = 17
LINE = 26  # height of the arcs of one level


def cells(genotype: CellGenotype) -> tuple[str, str, int, int]:
    """Body, description, width and height in pixels."""
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
    for x, label in zip(centre, (*NAMES, "k"), strict=True):
        parts.append(f'<circle class="state" cx="{x}" cy="{middle}" r="{RADIUS}"/>')
        parts.append(f'<text x="{x}" y="{middle}">{label}</text>')
    return "".join(parts), height


def _arc(start: int, end: int, middle: int, side: int, operation: str) -> str:
    height = LINE * (end - start) // STEP
    y, peak = middle + side * RADIUS, middle + side * (RADIUS + height)
    control = middle + side * (RADIUS + 2 * height)
    x = (start + end) // 2
    kind = ' class="skip"' if operation == "skip_connect" else ""
    label = escape(short(operation))
    return (
        f'<path{kind} d="M{start} {y}Q{x} {control} {end} {y}"/>'
        f'<text x="{x}" y="{peak + side * 10}">{label}</text>'
    )


def _sentence(cell: Cell) -> str:
    sums = (
        " + ".join(f"{short(operation)}({NAMES[state]})" for operation, state in edges)
        for edges in cell
    )
    return ", ".join(f"node {node} = {terms}" for node, terms in enumerate(sums, start=1))
