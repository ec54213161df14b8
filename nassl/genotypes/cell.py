"""DARTS' cell space: genotypes, and their derivation from alpha (SSNAS sec. 4.1).

A cell genotype is `{"space": "cell", "normal": [node, node, node, node], "reduce": [...]}`, where a
node is `[[operation, predecessor], [operation, predecessor]]`. Predecessors 0 and 1 are the outputs
of the two previous cells, 2 the first intermediate node, and so on.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from nassl.files import InputError
from nassl.genotypes.keys import check_keys

# The order of the columns of alpha (SSNAS sec. 4.1).
CELL_OPERATIONS = (
    "none",
    "max_pool_3x3",
    "avg_pool_3x3",
    "skip_connect",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "dil_conv_3x3",
    "dil_conv_5x5",
)
KEPT_OPERATIONS = CELL_OPERATIONS[1:]
NODES = 4  # intermediate nodes of a cell
INPUTS = 2  # outputs of the two previous cells
KEPT_EDGES = 2  # incoming edges of a node after discretisation
EDGES = sum(INPUTS + node for node in range(NODES))  # 14, rows of alpha

Edge = tuple[str, int]
Cell = tuple[tuple[Edge, ...], ...]


@dataclass(frozen=True)
class CellGenotype:
    """Four intermediate nodes of two edges each, edges in the order of their predecessors."""

    normal: Cell
    reduce: Cell
    space: ClassVar[str] = "cell"

    def to_json(self) -> dict[str, Any]:
        return {
            "space": self.space,
            "normal": [[list(edge) for edge in node] for node in self.normal],
            "reduce": [[list(edge) for edge in node] for node in self.reduce],
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any], where: str) -> CellGenotype:
        check_keys(content, ("space", "normal", "reduce"), where)
        return cls(
            normal=_cell(content["normal"], f"{where}: normal"),
            reduce=_cell(content["reduce"], f"{where}: reduce"),
        )


def derive(alpha_normal: Sequence[Any], alpha_reduce: Sequence[Any]) -> CellGenotype:
    """Discretisation of two (14, 8) arrays of alpha (before the softmax).

    Per node the two incoming edges with the largest softmax weight over the operations other than
    `none` are kept, each with that operation (DARTS sec. 2.4). `none` takes its share of the
    softmax. Of equals the earlier one wins, as in DARTS' code.
    """
    return CellGenotype(_derive_cell(alpha_normal), _derive_cell(alpha_reduce))


def random_genotype(seed: int) -> CellGenotype:
    """Uniform: per node two distinct predecessors, per edge an operation other than `none`."""
    generator = random.Random(seed)

    def cell() -> Cell:
        return tuple(
            tuple(
                (generator.choice(KEPT_OPERATIONS), predecessor)
                for predecessor in sorted(generator.sample(range(INPUTS + node), KEPT_EDGES))
            )
            for node in range(NODES)
        )

    return CellGenotype(normal=cell(), reduce=cell())


def skip_connections(cell: Cell) -> int:
    """How many edges of a cell are skip connections: more than two in a normal cell is the usual
    sign of a collapsed DARTS search."""
    return sum(operation == "skip_connect" for node in cell for operation, _ in node)


def alpha_entropy(alpha: Sequence[Any]) -> float:
    """Mean over edges of the entropy of softmax(alpha), in nats: log 8 = 2.08 is undecided."""
    rows = [softmax(row) for row in alpha]
    return -sum(p * math.log(p) for row in rows for p in row if p > 0) / len(rows)


def softmax(row: Sequence[Any]) -> list[float]:
    values = [float(value) for value in row]
    largest = max(values)
    exponentials = [math.exp(value - largest) for value in values]
    total = sum(exponentials)
    return [value / total for value in exponentials]


def edge_index(node: int, predecessor: int) -> int:
    """Row of alpha of the edge into intermediate node `node` (0-3) from state `predecessor`."""
    return sum(INPUTS + earlier for earlier in range(node)) + predecessor


def _derive_cell(alpha: Sequence[Any]) -> Cell:
    if len(alpha) != EDGES or any(len(row) != len(CELL_OPERATIONS) for row in alpha):
        raise ValueError(f"alpha must be {EDGES} x {len(CELL_OPERATIONS)}, not {len(alpha)} rows")
    nodes = []
    for node in range(NODES):
        edges = []
        for predecessor in range(INPUTS + node):
            weights = softmax(alpha[edge_index(node, predecessor)])[1:]
            if not all(map(math.isfinite, weights)):
                raise ValueError(f"alpha of edge {predecessor} -> {INPUTS + node} is not finite")
            best = max(range(len(weights)), key=weights.__getitem__)
            edges.append((weights[best], KEPT_OPERATIONS[best], predecessor))
        strongest = sorted(edges, key=lambda edge: -edge[0])[:KEPT_EDGES]
        kept = sorted(strongest, key=lambda edge: edge[2])
        nodes.append(tuple((operation, predecessor) for _, operation, predecessor in kept))
    return tuple(nodes)


def _cell(content: Any, where: str) -> Cell:
    if not isinstance(content, list) or len(content) != NODES:
        raise InputError(f"{where} has {_found(content)}; a list of {NODES} nodes is expected")
    return tuple(
        _node(node, number, f"{where} node {number}")
        for number, node in enumerate(content, start=INPUTS)
    )


def _node(content: Any, number: int, where: str) -> tuple[Edge, ...]:
    if not isinstance(content, list) or len(content) != KEPT_EDGES:
        raise InputError(
            f"{where} has {_found(content)}; {KEPT_EDGES} edges [operation, predecessor] expected"
        )
    edges = []
    for edge in content:
        if not isinstance(edge, list) or len(edge) != 2:
            raise InputError(f"{where}: edge is {edge!r}; [operation, predecessor] is expected")
        operation, predecessor = edge
        if operation not in KEPT_OPERATIONS:
            raise InputError(
                f"{where}: operation is {operation!r}; available: {', '.join(KEPT_OPERATIONS)}"
            )
        if type(predecessor) is not int or not 0 <= predecessor < number:
            raise InputError(
                f"{where}: predecessor is {predecessor!r}; allowed are 0 to {number - 1}"
            )
        edges.append((operation, predecessor))
    if len({predecessor for _, predecessor in edges}) < KEPT_EDGES:
        raise InputError(
            f"{where}: both edges come from {edges[0][1]}; two different predecessors are expected"
        )
    return tuple(sorted(edges, key=lambda edge: edge[1]))


def _found(content: Any) -> str:
    return f"{len(content)} entries" if isinstance(content, list) else repr(content)
