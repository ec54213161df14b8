"""Whether methods come in the paper's order."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

from stages.report.numbers.rows import Comparison, Row, Standing


def comparisons(metrics: Sequence[str], rows: Iterable[Row]) -> tuple[Comparison, ...]:
    """Every pair of reproduced rows that the paper orders.

    Rows are compared within a batch size; rows that the paper has equal are no pair. A metric named
    `..._difference` compares two methods in one row: there the sign must agree.
    """
    made = [row for row in rows if row.here]
    found = []
    for metric in metrics:
        standings = [
            Standing(row, row.reported.values[metric], row.here.results[metric]) for row in made
        ]
        if metric.endswith("_difference"):
            found += [
                Comparison(metric, one, None, one.reported * one.result.mean > 0)
                for one in standings
            ]
            continue
        better = -1 if "error" in metric else 1
        for one, two in itertools.combinations(standings, 2):
            sizes = {side.row.reported.batch_size for side in (one, two)}
            if len(sizes) > 1 or one.reported == two.reported:
                continue
            behind, ahead = sorted((one, two), key=lambda side: better * side.reported)
            agrees = better * (ahead.result.mean - behind.result.mean) > 0
            found.append(Comparison(metric, ahead, behind, agrees))
    return tuple(found)


def agreement(found: Iterable[Comparison], metric: str, row: Row) -> tuple[int, int]:
    """(agreeing, all) of the comparisons in which the row takes part."""
    own = [
        comparison.agrees
        for comparison in found
        if comparison.metric == metric and row.label in (side.label for side in comparison.sides)
    ]
    return sum(own), len(own)
