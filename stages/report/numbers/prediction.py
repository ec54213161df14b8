"""Does a short training's score tell which architecture will be the best? Kendall's tau.

Every architecture that was scored and then trained in full is a point. Only architectures of the
same data, network and training settings are compared with each other (a stratum); pairs of all
strata count together.
"""

from __future__ import annotations

import itertools
import json
import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from nassl.files import read_json
from stages.report.evidence.runs import Evidence
from stages.report.numbers.statistics import deviation, mean

RESAMPLES = 5000
LEAST = 5  # architectures for an interval: resamples of fewer hardly differ
# criterion -> whether a high score is better
CRITERIA = {"contrastive_loss": False, "accuracy": True}
HIGH_IS_GOOD = CRITERIA | {"margin_mean": True}
# (stage, key of its metrics.json) of full training -> what it is
OUTCOMES = {
    ("retrain", "test_accuracy"): "test accuracy after retraining",
    ("probe", "linear_accuracy"): "linear accuracy after pretraining",
}


@dataclass(frozen=True)
class Point:
    """One architecture: its score, and its results (fractions) over the seeds of full training."""

    name: str
    architecture: tuple[str, str]  # data set, genotype
    score: float
    results: tuple[float, ...]

    @property
    def mean(self) -> float:
        return mean(self.results)

    @property
    def std(self) -> float | None:
        return deviation(self.results)


@dataclass
class Question:
    """Score by `criterion` against `metric` of full training."""

    criterion: str
    stage: str
    metric: str
    strata: dict[str, list[Point]] = field(default_factory=dict)

    @property
    def label_free(self) -> bool:
        return self.criterion == "contrastive_loss"

    @property
    def outcome(self) -> str:
        return OUTCOMES[self.stage, self.metric]

    @property
    def architectures(self) -> int:
        return len({p.architecture for points in self.strata.values() for p in points})

    def signed(self) -> list[np.ndarray]:
        """Per stratum (n, 2): score, so that high is good, and mean result."""
        sign = 1.0 if HIGH_IS_GOOD[self.criterion] else -1.0
        return [
            np.array([(sign * point.score, point.mean) for point in points])
            for points in self.strata.values()
        ]


def questions(evidence: Evidence, criteria: Iterable[str] = CRITERIA) -> list[Question]:
    """Those with at least one pair of architectures to compare."""
    found = []
    scores = _scores(evidence, criteria)
    for criterion in criteria:
        for stage, metric in OUTCOMES:
            results = _results(evidence, stage, metric)
            question = Question(criterion, stage, metric)
            for (data, settings, genotype), values in results.items():
                for scored, (score, name) in scores.get((criterion, data, genotype), {}).items():
                    stratum = f"{data} · {settings}" + (f" · {scored}" if scored else "")
                    point = Point(name, (data, genotype), score, tuple(values))
                    question.strata.setdefault(stratum, []).append(point)
            question.strata = {k: v for k, v in question.strata.items() if len(v) > 1}
            if question.strata:
                found.append(question)
    return found


def tau_b(strata: list[np.ndarray]) -> float:
    """Kendall's tau-b over the pairs within strata (of one stratum: the usual one); nan if one of
    the two orders has only ties."""
    concordance = untied_x = untied_y = 0.0
    for points in strata:
        upper = np.triu_indices(len(points), 1)
        x, y = (np.sign(np.subtract.outer(c, c))[upper] for c in points.T)
        concordance += float((x * y).sum())
        untied_x += float((x != 0).sum())
        untied_y += float((y != 0).sum())
    if not untied_x or not untied_y:
        return math.nan
    return concordance / math.sqrt(untied_x * untied_y)


def interval(question: Question, seed: int = 0) -> tuple[float, float] | None:
    """95 % percentile interval of tau from a bootstrap over the architectures of each data set; one
    that is in several strata is drawn for all of them at once. None for fewer than five
    architectures, and for ties only; resamples with ties only are left out."""
    if question.architectures < LEAST:
        return None
    names = [[point.architecture for point in points] for points in question.strata.values()]
    pools: dict[str, list[tuple[str, str]]] = {}
    for name in dict.fromkeys(itertools.chain(*names)):
        pools.setdefault(name[0], []).append(name)
    strata, draw, values = question.signed(), np.random.default_rng(seed), []
    for _ in range(RESAMPLES):
        times = Counter(
            pool[place]
            for pool in pools.values()
            for place in draw.integers(len(pool), size=len(pool))
        )
        sample = [
            points.repeat([times[name] for name in members], axis=0)
            for points, members in zip(strata, names, strict=True)
        ]
        values.append(tau_b(sample))
    known = [value for value in values if not math.isnan(value)]
    if not known:
        return None
    low, high = np.percentile(known, [2.5, 97.5])
    return float(low), float(high)


def _scores(
    evidence: Evidence, criteria: Iterable[str]
) -> dict[tuple[str, str, str], dict[str, tuple[float, str]]]:
    """(criterion, data, genotype) -> setting of the score -> (score, run)."""
    found: dict[tuple[str, str, str], dict[str, tuple[float, str]]] = {}
    several: dict[tuple[str, str], set[str]] = {}
    for run, line in evidence.lines["score"].items():
        metrics, key = (
            evidence.metrics("score", run),
            _genotype(evidence, f"search/{line['search']}"),
        )
        for criterion in criteria:
            if metrics and key and criterion in metrics:
                setting = f"{line['network']}, {line['recipe']}"
                several.setdefault((criterion, line["data"]), set()).add(setting)
                entry = found.setdefault((criterion, line["data"], key), {})
                entry.setdefault(setting, (float(metrics[criterion]), run))
    # The setting is only named where there is more than one.
    return {
        (criterion, data, key): {
            setting if len(several[criterion, data]) > 1 else "": value
            for setting, value in entry.items()
        }
        for (criterion, data, key), entry in found.items()
    }


def _results(
    evidence: Evidence, stage: str, metric: str
) -> dict[tuple[str, str, str], list[float]]:
    """(data, settings, genotype) -> values over seeds. The same seed of the same architecture gives
    the same bits, whichever selection it comes from, so it counts once."""
    found: dict[tuple[str, str, str], dict[int, float]] = {}
    for run, line in evidence.lines[stage].items():
        metrics = evidence.metrics(stage, run)
        if not metrics or metric not in metrics or line.get("init") == "random":
            continue
        architecture = evidence.architecture(f"{stage}/{run}")
        key = _genotype(evidence, architecture) if architecture else None
        if key:
            trained = line if stage == "retrain" else evidence.lines["pretrain"][line["pretrain"]]
            settings = f"{trained['network']}, {trained['recipe']}"
            seeds = found.setdefault((line["data"], settings, key), {})
            seeds[line["seed"]] = float(metrics[metric])
    return {key: list(seeds.values()) for key, seeds in found.items()}


def _genotype(evidence: Evidence, architecture: str) -> str | None:
    """The architecture's content: the same cell may be found twice, and scored in two ways."""
    file = evidence.genotype(architecture)
    return json.dumps(read_json(file), sort_keys=True) if file else None
