"""Genotypes: what an architecture is, read from and written to genotype.json. Imports no torch.

A cell genotype is `{"space": "cell", "normal": [node, node, node, node], "reduce": [...]}`, where a
node is `[[operation, predecessor], [operation, predecessor]]`. Predecessors 0 and 1 are the outputs
of the two previous cells, 2 the first intermediate node, and so on (SSNAS sec. 4.1, as in DARTS).
A published network is `{"space": "resnet", "depth": 18}`.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol

from stages.core.command import InputError, read_json, write_json
from stages.core.spaces.block import BlockGenotype
from stages.core.spaces.dense import DenseGenotype

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
RESNET_DEPTHS = (18, 50)

Edge = tuple[str, int]
Cell = tuple[tuple[Edge, ...], ...]


class Genotype(Protocol):
    """What every space's genotype offers; `space` is its key in GENOTYPES."""

    space: ClassVar[str]

    def to_json(self) -> dict[str, Any]: ...

    @classmethod
    def from_json(cls, content: Mapping[str, Any], where: str) -> Genotype: ...


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
        _check_keys(content, ("space", "normal", "reduce"), where)
        return cls(
            normal=_cell(content["normal"], f"{where}: normal"),
            reduce=_cell(content["reduce"], f"{where}: reduce"),
        )


@dataclass(frozen=True)
class ResNetGenotype:
    """A published ResNet; nothing of it is searched."""

    depth: int
    space: ClassVar[str] = "resnet"

    def to_json(self) -> dict[str, Any]:
        return {"space": self.space, "depth": self.depth}

    @classmethod
    def from_json(cls, content: Mapping[str, Any], where: str) -> ResNetGenotype:
        _check_keys(content, ("space", "depth"), where)
        depth = content["depth"]
        if type(depth) is not int or depth not in RESNET_DEPTHS:
            allowed = ", ".join(map(str, RESNET_DEPTHS))
            raise InputError(f"{where}: depth is {depth!r}; there are: {allowed}")
        return cls(depth)


GENOTYPES: dict[str, type[Genotype]] = {
    "cell": CellGenotype,
    "resnet": ResNetGenotype,
    "block": BlockGenotype,
    "dense": DenseGenotype,
}


def validate(content: Any, where: str = "genotype") -> Genotype:
    """The genotype that JSON `content` describes; `where` names its file in messages.

    Raises InputError naming the node, what was found there and what is allowed.
    """
    if not isinstance(content, Mapping):
        raise InputError(f"{where} is {content!r}; a mapping with the key 'space' is expected")
    space = content.get("space")
    if not isinstance(space, str) or space not in GENOTYPES:
        raise InputError(f"{where}: space is {space!r}; there are: {', '.join(sorted(GENOTYPES))}")
    return GENOTYPES[space].from_json(content, where)


def read_genotype(path: Path) -> Genotype:
    """Raises InputError if the file is missing, is not JSON, or describes no network."""
    return validate(read_json(path), str(path))


def write_genotype(path: Path, genotype: Genotype) -> None:
    """Refuses (InputError) to write what `read_genotype` would refuse to read."""
    content = genotype.to_json()
    validate(content, str(path))
    write_json(path, content)


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


def _check_keys(content: Mapping[str, Any], keys: Sequence[str], where: str) -> None:
    if missing := [key for key in keys if key not in content]:
        raise InputError(f"{where} lacks the key {missing[0]!r}; needed: {', '.join(keys)}")
    if unknown := [key for key in content if key not in keys]:
        raise InputError(f"{where} has the unknown key {unknown[0]!r}; allowed: {', '.join(keys)}")


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
                f"{where}: operation is {operation!r}; there are: {', '.join(KEPT_OPERATIONS)}"
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
