"""The architectures that the tables' rows were made with."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from nassl.genotypes import Genotype, read_genotype
from stages.report.evidence.runs import Evidence


@dataclass(frozen=True)
class Architecture:
    """`runs`: every search/<run> and select/<run> that found it."""

    genotype: Genotype
    runs: tuple[str, ...]

    @property
    def title(self) -> str:
        return ", ".join(run.partition("/")[2] for run in self.runs)


def architectures(evidence: Evidence, runs: Iterable[str]) -> list[Architecture]:
    """Every different genotype that the `runs` (<stage>/<run>) were made with. Published networks
    come last."""
    found: dict[str, tuple[Genotype, list[str]]] = {}
    used = map(evidence.architecture, runs)
    for name in dict.fromkeys(name for name in used if name):
        file = evidence.genotype(name)
        if file is None:
            continue
        genotype = read_genotype(file)
        key = json.dumps(genotype.to_json(), sort_keys=True)
        found.setdefault(key, (genotype, []))[1].append(name)
    made = [Architecture(genotype, tuple(names)) for genotype, names in found.values()]
    return sorted(made, key=lambda entry: entry.genotype.space == "resnet")
