"""How many seeds would tell the papers' methods apart, from the spread measured here."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass

from stages.report.numbers.order import compared
from stages.report.numbers.rows import Comparison, Table
from stages.report.numbers.verdicts import pooled_deviation, seeds_needed


@dataclass(frozen=True)
class Needed:
    """`difference` is the median one that the papers report between methods that are compared here,
    `deviation` the median over the tables of that between seeds, both in percentage points;
    `seeds` of each method show such a difference, `least` to `most` were run."""

    difference: float
    deviation: float | None  # None if no method has seeds that differ
    seeds: int | None
    least: int
    most: int


def needed(tables: Iterable[Table]) -> Needed | None:
    """None if nothing is compared."""
    tables = [table for table in tables if table.comparisons]
    if not tables:
        return None
    differences = [_reported(one) for table in tables for one in table.comparisons]
    spreads = [
        pooled_deviation([row.here.of(metric) for row in table.made])
        for table in tables
        for metric in compared(table.metrics)
    ]
    known = [spread for spread in spreads if spread]
    difference = statistics.median(differences)
    deviation = statistics.median(known) if known else None
    counts = [row.here.n for table in tables for row in table.made]
    seeds = seeds_needed(difference, deviation) if deviation else None
    return Needed(difference, deviation, seeds, min(counts), max(counts))


def _reported(comparison: Comparison) -> float:
    if comparison.behind is None:
        return abs(comparison.ahead.reported)
    return abs(comparison.ahead.reported - comparison.behind.reported)
