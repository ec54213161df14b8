"""Margins of the scored candidates: an image's likeness to itself against the nearest other one."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stages.report.evidence.runs import Evidence

QUANTILES = ("q05", "q25", "q50", "q75", "q95")
CHANCE = 0.99  # share of the loss at chance: a loss above it is not told apart from chance
TOLD_APART = 2.0  # times the noise of a score that scores have to differ by, as standard deviations


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


@dataclass(frozen=True)
class Differences:
    """How far the contrastive losses of `candidates` differ that were judged alike, and how far one
    would if its views were drawn anew: standard deviations (nats)."""

    data: str
    candidates: int
    spread: float
    noise: float

    @property
    def told_apart(self) -> bool:
        return self.spread >= TOLD_APART * self.noise


def differences(evidence: Evidence) -> list[Differences]:
    """Per data set, network and settings of the short training, with at least two candidates. A
    score is the mean over draws, so its noise is the deviation between draws by the root of their
    number; the root of the mean square over candidates."""
    alike: dict[tuple[str, ...], list[tuple[float, float]]] = {}
    for run, line in evidence.lines["score"].items():
        metrics = evidence.metrics("score", run) or {}
        if {"contrastive_loss_std_between_draws", "view_pairs"} <= metrics.keys():
            draws = math.sqrt(metrics["view_pairs"])
            noise = metrics["contrastive_loss_std_between_draws"] / draws
            key = tuple(line.get(what, "") for what in ("data", "network", "recipe", "objective"))
            alike.setdefault(key, []).append((metrics["contrastive_loss"], noise))
    return [
        Differences(
            key[0],
            len(scores),
            statistics.stdev(loss for loss, _ in scores),
            math.sqrt(statistics.fmean(noise**2 for _, noise in scores)),
        )
        for key, scores in alike.items()
        if len(scores) > 1
    ]


def chance(metrics: Mapping[str, Any]) -> float | None:
    """NT-Xent (nats) of equal similarities: ln(2 N - 1) in batches of N images."""
    if "contrastive_loss" not in metrics or "batch_size" not in metrics:
        return None
    return math.log(2 * metrics["batch_size"] - 1)
