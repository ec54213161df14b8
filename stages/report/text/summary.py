"""The first sentences of the page: what was found, at which scale, what would tell more."""

from __future__ import annotations

from collections.abc import Sequence

from stages.report.numbers.headline import gain
from stages.report.numbers.needed import Needed, needed
from stages.report.numbers.rows import Table
from stages.report.numbers.verdicts import MOST
from stages.report.text.order import tally
from stages.report.text.wording import meaning, points


def summary(tables: Sequence[Table], scale: str) -> list[str]:
    return [*_found(tables), f"This is the {scale} scale: {meaning(scale)}.", *_more(tables)]


def _found(tables: Sequence[Table]) -> list[str]:
    parts = []
    if pretrained := gain(tables):
        parts.append(
            f"in {pretrained.rows_above} of {pretrained.rows} rows networks pretrained without "
            f"labels classify better than with random weights (on average "
            f"{pretrained.mean_ratio:.2f} times the linear accuracy)"
        )
    if found := [comparison for table in tables for comparison in table.comparisons]:
        parts.append(tally(found))
    text = "; ".join(parts)
    return [f"{text[0].upper()}{text[1:]}."] if text else []


def _more(tables: Sequence[Table]) -> list[str]:
    found = needed(tables)
    if found is None:
        return []
    text = (
        f"The papers' methods differ by {points(found.difference)} in the median of these "
        f"comparisons"
    )
    if found.seeds is None:
        return [f"{text}; how many seeds show that, two different results of one method would say."]
    many = f"more than {MOST:,}" if found.seeds >= MOST else str(found.seeds)
    return [
        f"{text}: with the spread between seeds measured here, {points(found.deviation)}, that "
        f"takes {many} seeds of each ({_run(found)} here) to be seen in four of five repetitions."
    ]


def _run(found: Needed) -> str:
    return f"{found.least}" if found.least == found.most else f"{found.least} to {found.most}"
