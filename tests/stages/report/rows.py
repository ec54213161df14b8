"""Rows and tables for tests, made from the numbers that matter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from stages.report.evidence.reported import ReportedRow, ReportedTable
from stages.report.numbers.order import comparisons
from stages.report.numbers.rows import Reproduced, Result, Row, Seed, Table


def row(name: str, reported: float, here: float | None, std: float | None = None, **more: Any):
    """In the metric `AP` or the one named `metric`; `here` is None for a row that was not made."""
    metric = more.pop("metric", "AP")
    paper = ReportedRow(name, {metric: reported}, **more)
    if here is None:
        return Row(paper, None)
    results = {metric: Result(here, std, here - reported, None)}
    seeds = tuple(Seed(f"retrain/x-s{n}", {metric: here}) for n in range(1 if std is None else 2))
    return Row(paper, Reproduced(seeds, results, None, None, None, None, 0, None, {}, None, "", ()))


def table(rows: Sequence[Row], metric: str = "AP", protocol: str | None = None) -> Table:
    reported = tuple(row.reported for row in rows)
    paper = ReportedTable("ssnas", "table1", "A title", "voc", (metric,), reported, protocol)
    return Table(paper, "toy", "c0ffee", tuple(rows), comparisons((metric,), rows))
