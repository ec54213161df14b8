"""Genotypes: what an architecture is, read from and written to genotype.json.

A module for each search space, and one for published networks. Imports no torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Protocol

from nassl.files import InputError, read_json, write_json
from nassl.genotypes.block import BlockGenotype
from nassl.genotypes.cell import CellGenotype
from nassl.genotypes.dense import DenseGenotype
from nassl.genotypes.resnet import ResNetGenotype


class Genotype(Protocol):
    """What every space's genotype offers; `space` is its key in GENOTYPES."""

    space: ClassVar[str]

    def to_json(self) -> dict[str, Any]: ...

    @classmethod
    def from_json(cls, content: Mapping[str, Any], where: str) -> Genotype: ...


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
        raise InputError(f"{where}: space is {space!r}; available: {', '.join(sorted(GENOTYPES))}")
    return GENOTYPES[space].from_json(content, where)


def read_genotype(path: Path) -> Genotype:
    """Raises InputError if the file is missing, is not JSON, or does not describe a network."""
    return validate(read_json(path), str(path))


def write_genotype(path: Path, genotype: Genotype) -> None:
    """Refuses (InputError) to write what `read_genotype` would refuse to read."""
    content = genotype.to_json()
    validate(content, str(path))
    write_json(path, content)
