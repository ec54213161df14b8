"""Margins of the scored candidates: an image's likeness to itself against the nearest other one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stages.report.evidence.runs import Evidence

QUANTILES = ("q05", "q25", "q50", "q75", "q95")
CHANCE = 0.99  # share of the loss at chance: a loss above it is not told apart from chance


@dataclass(frozen=True)
class Candidate:
    """A scored run: mean and quantiles of its margins (differences of cosine similarities), its
    contrastive loss and the loss at chance (nats)."""

    run: str
    method: str
    seed: int
    mean: float
    quantiles: dict[str, float]
    loss: float | None
    chance: float | None


@dataclass(frozen=True)
class Margins:
    """The candidates of a data set, in the plan's order."""

    data: str
    candidates: tuple[Candidate, ...]

    @property
    def positive(self) -> int:
        return sum(candidate.mean > 0 for candidate in self.candidates)


def margins(evidence: Evidence) -> list[Margins]:
    """Per data set."""
    groups: dict[str, list[Candidate]] = {}
    for run, line in evidence.lines["score"].items():
        metrics = evidence.metrics("score", run)
        if metrics and all(f"margin_{name}" in metrics for name in ("mean", *QUANTILES)):
            candidate = Candidate(
                run=run,
                method=evidence.method("score", run),
                seed=line["seed"],
                mean=metrics["margin_mean"],
                quantiles={name: metrics[f"margin_{name}"] for name in QUANTILES},
                loss=metrics.get("contrastive_loss"),
                chance=chance(metrics),
            )
            groups.setdefault(line["data"], []).append(candidate)
    return [Margins(data, tuple(found)) for data, found in groups.items()]


def chance(metrics: Mapping[str, Any]) -> float | None:
    """NT-Xent (nats) of equal similarities: ln(2 N - 1) in batches of N images."""
    if "contrastive_loss" not in metrics or "batch_size" not in metrics:
        return None
    return math.log(2 * metrics["batch_size"] - 1)
