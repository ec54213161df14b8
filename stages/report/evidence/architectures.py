"""The architectures that the tables' rows were made with."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from nassl.genotypes import Genotype, read_genotype
from stages.report.evidence.runs import Evidence


@dataclass(frozen=True)
class Search:
    """How a search's genotype came about; mutations only of an evolution."""

    strategy: str
    mutations: int
    accepted: int


@dataclass(frozen=True)
class Selection:
    """The candidate with this seed had the best `score` by `criterion` of `count`, whose scores
    have this mean and standard deviation (None of one)."""

    seed: str
    count: int
    criterion: str
    score: float
    mean: float
    std: float | None


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


def origin(evidence: Evidence, run: str) -> Search | Selection | None:
    """Of search/<run> or select/<run>; None of a selection that has not been made."""
    stage, name = run.split("/")
    metrics = evidence.metrics(stage, name)
    if stage == "search":
        found = metrics or {}
        return Search(
            strategy=found.get("strategy", ""),
            mutations=found.get("mutations", 0),
            accepted=found.get("accepted_mutations", 0),
        )
    if metrics is None:
        return None
    return Selection(
        seed=metrics["winner"].rpartition("-s")[2],
        count=len(evidence.lines["select"][name]["candidates"]),
        criterion=metrics["criterion"],
        score=metrics["score"],
        mean=metrics["spread"]["mean"],
        std=metrics["spread"]["std"],
    )
