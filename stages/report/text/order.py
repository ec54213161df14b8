"""Comparisons that come out otherwise than in the paper, in words."""

from __future__ import annotations

from stages.report.numbers.rows import Comparison, Table
from stages.report.text.wording import compared, spread, words


def verdict(table: Table) -> str:
    """Whether the rows come in the paper's order; nothing where nothing can be compared."""
    pairs, against = len(table.comparisons), len(table.against_paper)
    if not pairs:
        return ""
    if not against:
        return f"The order is the paper's in {'all ' if pairs > 1 else ''}{compared(pairs)}."
    return f"The order differs from the paper's in {against} of {compared(pairs)}:"


def disagreements(table: Table) -> list[str]:
    """A sentence for each."""
    return [_sentence(comparison) for comparison in table.against_paper]


def _sentence(comparison: Comparison) -> str:
    ahead, behind = comparison.ahead, comparison.behind
    if behind is None:
        return f"{ahead.label}: reported {ahead.reported:+.2f}, here {spread(ahead.result)}"
    return (
        f"{words(comparison.metric)}: the paper has {ahead.label} ahead of {behind.label} "
        f"({ahead.reported:.2f} against {behind.reported:.2f}); here "
        f"{spread(ahead.result)} against {spread(behind.result)}"
        + ("" if comparison.apart else ", less than one standard deviation apart")
    )
