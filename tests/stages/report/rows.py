"""Rows and tables for tests, made from the numbers that matter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from stages.report.evidence.reported import ReportedRow, ReportedTable
from stages.report.numbers.order import comparisons
from stages.report.numbers.rows import Reproduced, Result, Row, Seed, Table
from stages.report.numbers.statistics import deviation, interval95, mean


def row(name: str, reported: float, here: float | Sequence[float] | None, **more: Any) -> Row:
    """In the metric `AP` or the one named `metric`; `here` has a value per seed, and is None for a
    row that was not made."""
    metric = more.pop("metric", "AP")
    paper = ReportedRow(name, {metric: reported}, **more)
    if here is None:
        return Row(paper, None)
    values = [here] if isinstance(here, float) else list(here)
    seeds = tuple(Seed(f"retrain/x-s{n}", {metric: value}) for n, value in enumerate(values))
    found = Result(mean(values), deviation(values), mean(values) - reported, interval95(values))
    return Row(
        paper,
        Reproduced(seeds, {metric: found}, None, None, None, None, 0, None, {}, None, "", ()),
    )


def table(rows: Sequence[Row], metric: str = "AP", protocol: str | None = None) -> Table:
    reported = tuple(row.reported for row in rows)
    paper = ReportedTable("ssnas", "table1", "A title", "voc", (metric,), reported, protocol)
    return Table(paper, "toy", "c0ffee", tuple(rows), comparisons((metric,), rows))
