"""The page's curves and points as columns, for `dvc plots show` and `dvc plots diff` (dvc.yaml)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from stages.report.evidence.runs import Evidence
from stages.report.numbers.prediction import questions
from stages.report.numbers.rows import Table
from stages.report.numbers.searches import QUANTITIES


@dataclass(frozen=True)
class Series:
    """A CSV file: its name without ending, its columns, and its lines by column."""

    name: str
    columns: tuple[str, ...]
    lines: list[dict[str, Any]]


def series(tables: Iterable[Table], evidence: Evidence) -> list[Series]:
    """searches (a line per run and epoch), rows (per row, seed and metric), scores (per scored and
    fully trained architecture); without lines where the plan has nothing."""
    return [_searches(evidence), _rows(tables), _scores(evidence)]


def _searches(evidence: Evidence) -> Series:
    lines = []
    for run, line in evidence.lines["search"].items():
        epochs: dict[float, dict[str, Any]] = {}
        for name in QUANTITIES:
            for epoch, value in evidence.curve("search", run, name):
                epochs.setdefault(epoch, {})[name] = value
        named = {"method": evidence.method("search", run), "data": line["data"], "run": run}
        lines += [named | {"epoch": epoch} | values for epoch, values in sorted(epochs.items())]
    return Series("searches", ("method", "data", "run", "epoch", *QUANTITIES), lines)


def _rows(tables: Iterable[Table]) -> Series:
    lines = [
        {
            "panel": f"{table.paper.paper} {table.paper.table}, {metric}",
            "table": f"{table.paper.paper} {table.paper.table}",
            "row": row.label,
            "metric": metric,
            "seed": number,
            "percent": seed.values[metric],
            "reported": row.reported.values[metric],
        }
        for table in tables
        for row in table.made
        for number, seed in enumerate(row.here.seeds)
        for metric in table.metrics
    ]
    columns = ("panel", "table", "row", "metric", "seed", "percent", "reported")
    return Series("rows", columns, lines)


def _scores(evidence: Evidence) -> Series:
    lines = [
        {
            "criterion": question.criterion,
            "outcome": question.metric,
            "compared": stratum,
            "architecture": point.name,
            "score": point.score,
            "percent": 100 * point.mean,
        }
        for question in questions(evidence)
        for stratum, points in question.strata.items()
        for point in points
    ]
    columns = ("criterion", "outcome", "compared", "architecture", "score", "percent")
    return Series("scores", columns, lines)
