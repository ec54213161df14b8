"""Ranking of candidates by the score that a short training gave them."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from pathlib import Path

from nassl.files import InputError, read_json
from nassl.genotypes import read_genotype
from nassl.genotypes.cell import CellGenotype, skip_connections

# Whether a higher value is better.
CRITERIA = {"contrastive_loss": False, "accuracy": True}


@dataclass(frozen=True)
class Candidate:
    """One searched architecture: its score, the images' mean margin (SSNAS sec. 3.1) if it was
    measured, and the skip connections of its normal cell, many of which are the known collapse of
    gradient-based search (None for a network without cells)."""

    name: str
    score: float
    margin_mean: float | None
    skip_connections: int | None


def read_candidate(scores: Path, name: str, criterion: str) -> Candidate:
    """The candidate in `scores/name`. Raises InputError naming it if its score is missing or is not
    a finite number."""
    file = scores / name / "metrics.json"
    metrics = read_json(file)
    if criterion not in metrics:
        raise InputError(
            f"{file} of candidate {name!r} has no {criterion!r}; it has: "
            f"{', '.join(sorted(metrics))}; score it with the objective of that criterion"
        )
    score = metrics[criterion]
    if isinstance(score, bool) or not isinstance(score, int | float) or not math.isfinite(score):
        raise InputError(
            f"{file}: {criterion} of candidate {name!r} is {score!r}; a finite number is expected; "
            f"score it again or take it out of the candidates"
        )
    genotype = read_genotype(scores / name / "genotype.json")
    skips = skip_connections(genotype.normal) if isinstance(genotype, CellGenotype) else None
    return Candidate(name, float(score), metrics.get("margin_mean"), skips)


def rank(candidates: list[Candidate], criterion: str) -> list[Candidate]:
    """Best first: lowest contrastive loss or highest accuracy; ties by name."""
    sign = -1.0 if CRITERIA[criterion] else 1.0
    return sorted(candidates, key=lambda candidate: (sign * candidate.score, candidate.name))


def spread(candidates: list[Candidate]) -> dict[str, float | int | None]:
    """Mean, sample standard deviation (None for one candidate) and number of the scores."""
    scores = [candidate.score for candidate in candidates]
    std = statistics.stdev(scores) if len(scores) > 1 else None
    return {"mean": statistics.fmean(scores), "std": std, "n": len(scores)}
