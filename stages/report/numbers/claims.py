"""Claims of SSNAS that the results can answer, in numbers.

Each has a `verdict`: whether the results agree with the paper, disagree, or cannot tell, because
the interval contains the value that decides, or because there is none.
"""

from __future__ import annotations

from dataclasses import dataclass

from stages.report.evidence.runs import Evidence
from stages.report.numbers.prediction import Question, interval, questions, tau_b
from stages.report.numbers.statistics import Share, interval95, mean
from stages.report.numbers.verdicts import AGREES, DISAGREES, UNKNOWN, side

NEAR_ZERO = 0.01  # training error that counts as "near zero"


@dataclass(frozen=True)
class Collapse:
    """Sec. 4.2, table 3: first-order searches of a data set that collapsed to skip connections."""

    data: str
    darts: Share
    ssnas: Share

    @property
    def verdict(self) -> str:
        darts, ssnas = self.darts.interval95, self.ssnas.interval95
        return AGREES if darts[0] > ssnas[1] else DISAGREES if ssnas[0] > darts[1] else UNKNOWN


@dataclass(frozen=True)
class Margin:
    """Sec. 3.1: Kendall's tau between mean margin and `question.metric`."""

    question: Question
    tau: float
    interval: tuple[float, float] | None

    @property
    def verdict(self) -> str:
        return side(self.interval)


@dataclass(frozen=True)
class TrainingError:
    """Sec. 3.1: training errors (fractions) of the retrained networks, and what is missing on test
    images of their accuracy on training images."""

    errors: tuple[float, ...]
    gaps: tuple[float, ...]

    @property
    def interval(self) -> tuple[float, float] | None:
        """Of the mean error."""
        return interval95(self.errors)

    @property
    def verdict(self) -> str:
        return side(interval95([NEAR_ZERO - error for error in self.errors]))

    @property
    def mean_error(self) -> float:
        return mean(self.errors)

    @property
    def mean_gap(self) -> float:
        return mean(self.gaps)


def collapses(evidence: Evidence) -> list[Collapse]:
    """For every data set on which both have searched."""
    counts: dict[str, dict[bool, list[bool]]] = {}
    for run, line in evidence.lines["search"].items():
        metrics = evidence.metrics("search", run) or {}
        if "collapsed" in metrics and line.get("strategy") != "darts-second":
            kind = (evidence.plan.get("objective") or {}).get(line["objective"], {}).get("kind")
            of_data = counts.setdefault(line["data"], {True: [], False: []})
            of_data[kind == "supervised"].append(bool(metrics["collapsed"]))
    return [
        Collapse(data, *(Share(sum(found[kind]), len(found[kind])) for kind in (True, False)))
        for data, found in counts.items()
        if found[True] and found[False]
    ]


def margin(evidence: Evidence) -> Margin | None:
    """Of the first outcome that there is; None if no two architectures have both."""
    asked = questions(evidence, ["margin_mean"])
    if not asked:
        return None
    return Margin(asked[0], tau_b(asked[0].signed()), interval(asked[0]))


def training_error(evidence: Evidence) -> TrainingError | None:
    """None if no run has measured it."""
    errors, gaps = [], []
    for run in evidence.lines["retrain"]:
        metrics = evidence.metrics("retrain", run) or {}
        if "train_accuracy" in metrics:
            errors.append(1 - metrics["train_accuracy"])
            gaps.append(metrics["train_accuracy"] - metrics["test_accuracy"])
    return TrainingError(tuple(errors), tuple(gaps)) if errors else None
