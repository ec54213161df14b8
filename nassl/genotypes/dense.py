"""FaUNAE's space for CIFAR-10: cells with an operation on each of 14 edges (sec. III.A, IV.C.1).

A genotype is `{"space": "dense", "normal": [node, node, node, node], "reduce": [...]}`. A node is a
list of `[operation, predecessor]` for every predecessor in order: 0 and 1 are the outputs of the
two previous cells, 2 the first intermediate node, and so on. `none` is the paper's "zero".
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from nassl.files import InputError

OPERATIONS = (
    "skip_connect",
    "conv_3x3",
    "conv_5x5",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "max_pool_3x3",
    "avg_pool_3x3",
    "none",
)
ZERO = "none"
# (node, predecessor) of every edge of a cell, in the order of a choice: 2 + 3 + 4 + 5 = 14.
EDGES = tuple((node, predecessor) for node in range(4) for predecessor in range(2 + node))

DenseCell = tuple[tuple[tuple[str, int], ...], ...]


@dataclass(frozen=True)
class DenseGenotype:
    """Four intermediate nodes per cell, each with an edge from every earlier state."""

    normal: DenseCell
    reduce: DenseCell
    space: ClassVar[str] = "dense"

    @property
    def choice(self) -> tuple[str, ...]:
        """28 operations: the edges of the normal cell, then those of the reduction cell."""
        return tuple(
            operation
            for cell in (self.normal, self.reduce)
            for node in cell
            for operation, _ in node
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "space": self.space,
            "normal": [[list(edge) for edge in node] for node in self.normal],
            "reduce": [[list(edge) for edge in node] for node in self.reduce],
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any], where: str) -> DenseGenotype:
        """Raises InputError naming `where`, the node, what was found and what is allowed."""
        if set(content) != {"space", "normal", "reduce"}:
            raise InputError(
                f"{where} has the keys {sorted(content)}; expected: normal, reduce, space"
            )
        return cls(
            *(_cell(content[kind], f"{where}: {kind}") for kind in ("normal", "reduce")),
        )


def candidates() -> tuple[tuple[str, ...], ...]:
    """The operations of every edge of both cells: eight on each of 28."""
    return (OPERATIONS,) * (2 * len(EDGES))


def from_choice(choice: Sequence[str]) -> DenseGenotype:
    """The genotype with the 28 operations of `choice`, in the order of `DenseGenotype.choice`."""
    if len(choice) != 2 * len(EDGES):
        raise ValueError(f"{len(choice)} operations for {2 * len(EDGES)} edges")

    def cell(operations: Sequence[str]) -> DenseCell:
        named = list(zip(operations, EDGES, strict=True))
        return tuple(
            tuple((operation, edge[1]) for operation, edge in named if edge[0] == node)
            for node in range(4)
        )

    return DenseGenotype(cell(choice[: len(EDGES)]), cell(choice[len(EDGES) :]))


def random_dense(seed: int) -> DenseGenotype:
    """Every edge's operation drawn uniformly from the eight."""
    draw = random.Random(seed)
    return from_choice([draw.choice(allowed) for allowed in candidates()])


def remap(cell_genotype: Any) -> DenseGenotype:
    """A two-edges-per-node genotype of DARTS' cell space as a dense one: missing edges become
    `none`; a dilated convolution, which this space does not have, becomes the separable one with
    the same kernel."""

    def choice(cell: DenseCell) -> list[str]:
        kept = {
            (node, predecessor): operation.replace("dil_conv", "sep_conv")
            for node, edges in enumerate(cell)
            for operation, predecessor in edges
        }
        return [kept.get(edge, ZERO) for edge in EDGES]

    return from_choice(choice(cell_genotype.normal) + choice(cell_genotype.reduce))


def top_edges(genotype: DenseGenotype, losses: Sequence[float], kept: int = 2) -> DenseGenotype:
    """Per node the `kept` edges of lowest loss among those that are not `none`; the others become
    `none`. `losses` has a value for each of the 28 edges, in the order of `choice`."""
    choice = list(genotype.choice)
    for start in (0, len(EDGES)):
        for node in range(4):
            places = [start + i for i, edge in enumerate(EDGES) if edge[0] == node]
            alive = sorted(
                (place for place in places if choice[place] != ZERO),
                key=lambda place: losses[place],
            )
            for place in alive[kept:]:
                choice[place] = ZERO
    return from_choice(choice)


def _cell(content: Any, where: str) -> DenseCell:
    if not isinstance(content, list) or len(content) != 4:
        raise InputError(f"{where} is {content!r}; a list of 4 nodes is expected")
    return tuple(
        _node(node, number, f"{where} node {number + 2}") for number, node in enumerate(content)
    )


def _node(content: Any, number: int, where: str) -> tuple[tuple[str, int], ...]:
    expected = list(range(2 + number))
    if not isinstance(content, list) or any(
        not isinstance(edge, list) or len(edge) != 2 for edge in content
    ):
        raise InputError(f"{where} is {content!r}; a list of [operation, predecessor] is expected")
    if (found := [predecessor for _, predecessor in content]) != expected:
        raise InputError(
            f"{where} has edges from {found}; a dense node has one from each of {expected}"
        )
    for operation, _ in content:
        if operation not in OPERATIONS:
            raise InputError(
                f"{where}: operation is {operation!r}; available: {', '.join(OPERATIONS)}"
            )
    return tuple((operation, predecessor) for operation, predecessor in content)
