"""Whether methods come in the paper's order, as far as that is known."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from stages.report.numbers.rows import Comparison, Row, Standing
from stages.report.numbers.verdicts import holm, paired, welch

# One run measures these at once; they stand or fall together, and only the first is compared.
TOGETHER = (
    ("AP", "AP50", "AP75"),
    ("AP_box", "AP50_box", "AP75_box", "AP_mask", "AP50_mask", "AP75_mask"),
    ("top1_error", "top5_error"),
)


def comparisons(metrics: Sequence[str], rows: Iterable[Row]) -> tuple[Comparison, ...]:
    """Every pair of reproduced rows that the paper orders, tested over seeds; p-values are adjusted
    for their number, which makes the rows those of one table.

    Rows are compared within a batch size; rows that the paper has equal are no pair. A metric named
    `..._difference` compares two methods in one row, pair by pair.
    """
    made = [row for row in rows if row.here]
    found = [one for metric in compared(metrics) for one in _of_metric(metric, made)]
    adjusted = holm([one.p for one in found])
    return tuple(replace(one, adjusted=p) for one, p in zip(found, adjusted, strict=True))


def compared(metrics: Sequence[str]) -> list[str]:
    """The metrics without those that are measured together with another of them."""
    others = {
        metric
        for group in TOGETHER
        for metric in [metric for metric in group if metric in metrics][1:]
    }
    return [metric for metric in metrics if metric not in others]


def _of_metric(metric: str, made: Sequence[Row]) -> Iterator[Comparison]:
    standings = [
        Standing(row, row.reported.values[metric], row.here.results[metric], row.here.of(metric))
        for row in made
    ]
    if metric.endswith("_difference"):
        for one in standings:
            as_reported = one.reported * one.result.mean > 0
            yield Comparison(metric, one, None, as_reported, paired(one.values))
        return
    better = -1 if "error" in metric else 1
    for one, two in itertools.combinations(standings, 2):
        sizes = {side.row.reported.batch_size for side in (one, two)}
        if len(sizes) > 1 or one.reported == two.reported:
            continue
        behind, ahead = sorted((one, two), key=lambda side: better * side.reported)
        as_reported = better * (ahead.result.mean - behind.result.mean) > 0
        yield Comparison(metric, ahead, behind, as_reported, welch(ahead.values, behind.values))


def verdicts(found: Iterable[Comparison]) -> Counter[str]:
    """How many comparisons have each verdict."""
    return Counter(comparison.verdict for comparison in found)


def of_row(found: Iterable[Comparison], metric: str, row: Row) -> list[Comparison]:
    """The comparisons in which the row takes part."""
    return [
        comparison
        for comparison in found
        if comparison.metric == metric and row.label in (side.label for side in comparison.sides)
    ]
