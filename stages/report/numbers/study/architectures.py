"""The study's architectures: what every one of a group was scored with and what it reached."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from nassl.files import InputError
from nassl.settings import SettingsError
from stages.report.evidence.asked import PlannedStudyRow
from stages.report.evidence.runs import Evidence, Measured
from stages.report.numbers.statistics import mean

# Stage -> what its runs measure of an architecture, a fraction.
OUTCOMES = {"retrain": ("test_accuracy",), "probe": ("linear_accuracy", "finetune_accuracy")}
# Of a contrastive score, of a supervised one: key of metrics.json -> name here.
MEASURED = {
    "contrastive_loss": {
        "contrastive_loss": "contrastive loss",
        "contrastive_loss_half": "contrastive loss, half of the budget",
        "contrastive_loss_quarter": "contrastive loss, a quarter of the budget",
        "train_loss": "contrastive training loss",
        "margin_mean": "margin",
        "synflow": "synflow, untrained",
        "jacobian_covariance": "jacobian covariance, untrained",
    },
    "accuracy": {"accuracy": "accuracy of a short supervised training"},
}


@dataclass(frozen=True)
class Architecture:
    """`results`: percent, one per seed of full training; `flops`: multiply-adds of an image."""

    search: str  # search/<run>
    seed: int  # of its search
    results: tuple[float, ...]
    params: float
    flops: float
    scores: Mapping[str, float] = field(default_factory=dict)
    skips: int | None = None  # skip connections of the normal cell, where the search counts them
    collapsed: bool | None = None
    untrained: tuple[float, ...] = ()  # linear accuracy of random weights, percent

    @property
    def mean(self) -> float:
        return mean(self.results)


@dataclass(frozen=True)
class Group:
    """A row of a table of the study."""

    name: str
    architectures: tuple[Architecture, ...]

    @property
    def means(self) -> list[float]:
        return [one.mean for one in self.architectures]

    @property
    def sizes(self) -> list[float]:
        return [one.flops for one in self.architectures]


Tables = dict[str, dict[str, Group]]  # table -> row -> its architectures


def groups(study: Mapping[str, Sequence[PlannedStudyRow]], evidence: Evidence) -> Tables:
    """Every row, by table and name; rows told apart by `init` have it after a comma.

    Raises InputError naming the run that is missing or has no usable value.
    """
    return {
        table: {
            ", ".join([row.row, *([row.init] if row.init else [])]): Group(
                row.row, _architectures(row, evidence)
            )
            for row in rows
        }
        for table, rows in study.items()
    }


def _architectures(row: PlannedStudyRow, evidence: Evidence) -> tuple[Architecture, ...]:
    runs: dict[str, list[str]] = {}
    for run in row.runs:
        search = run if run.startswith("search/") else evidence.architecture(run)
        if search is None:
            raise SettingsError(f"{run} trains no architecture of the plan; plan the study again")
        runs.setdefault(search, []).append(run)
    scores = _scores(row, evidence)
    return tuple(
        _architecture(search, members, scores.get(search, {}), evidence)
        for search, members in runs.items()
    )


def _architecture(
    search: str, runs: list[str], scores: Mapping[str, float], evidence: Evidence
) -> Architecture:
    name = search.partition("/")[2]
    found = evidence.metrics("search", name) or {}
    seed, known = evidence.lines["search"][name]["seed"], found.get("skip_connections")
    about: dict[str, Any] = {"skips": known, "collapsed": found.get("collapsed")}
    if runs == [search]:
        return Architecture(search, seed, (), 0, 0, scores, **about)
    measured = [evidence.measured(run) for run in runs]
    key = _outcome(runs[0], measured[0])
    untrained = "linear_accuracy_untrained"
    return Architecture(
        search,
        seed,
        tuple(run.percent(key) for run in measured),
        measured[0].value("params"),
        measured[0].value("flops"),
        scores,
        **about,
        untrained=tuple(run.percent(untrained) for run in measured if untrained in run),
    )


def _outcome(run: str, measured: Measured) -> str:
    known = OUTCOMES.get(run.partition("/")[0], ())
    for key in known:
        if key in measured:
            return key
    raise InputError(f"{measured.file} has none of: {', '.join(known)}; run its stage again")


def _scores(row: PlannedStudyRow, evidence: Evidence) -> dict[str, dict[str, float]]:
    """search/<run> -> name of the score -> its value, of all candidates of the row's selections."""
    found: dict[str, dict[str, float]] = {}
    for selection in row.scored:
        asked = evidence.lines["select"][selection.partition("/")[2]]
        for candidate in asked["candidates"]:
            file = evidence.folder("score", candidate) / "metrics.json"
            metrics = evidence.metrics("score", candidate)
            if metrics is None:
                raise InputError(f"{file} is missing; make it with `dvc repro score@{candidate}`")
            search = f"search/{evidence.lines['score'][candidate]['search']}"
            named = MEASURED[asked["criterion"]]
            found.setdefault(search, {}).update(
                {name: float(metrics[key]) for key, name in named.items() if key in metrics}
            )
    return found
