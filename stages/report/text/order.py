"""Comparisons with the paper's order, in words."""

from __future__ import annotations

from collections.abc import Collection

from stages.report.numbers.order import verdicts
from stages.report.numbers.rows import Comparison, Table
from stages.report.numbers.verdicts import AGREES, DISAGREES, UNKNOWN
from stages.report.text.wording import compared, spread, words

# How comparisons are judged.
TESTS = (
    "A comparison agrees or disagrees with the paper if a two-sided test over seeds at 95 % "
    "(Welch's; Student's on pairs for a difference) says that the two differ, after Holm's "
    "correction within its table; otherwise, and always with a single seed on a side, it cannot be "
    "told."
)


def tally(found: Collection[Comparison]) -> str:
    """`of 6 comparisons 2 agree with the paper, 1 disagrees and 3 cannot be told`."""
    counts = verdicts(found)
    agree, disagree = counts[AGREES], counts[DISAGREES]
    return (
        f"of {compared(len(found))} with the paper's order {agree} agree{_s(agree)}, {disagree} "
        f"disagree{_s(disagree)} and {counts[UNKNOWN]} cannot be told"
    )


def _s(count: int) -> str:
    return "s" if count == 1 else ""


def verdict(table: Table) -> str:
    """What is known of the paper's order; nothing where nothing can be compared."""
    if not table.comparisons:
        return ""
    text = tally(table.comparisons)
    return f"{text[0].upper()}{text[1:]}{':' if table.against_paper else '.'}"


def disagreements(table: Table) -> list[str]:
    """A sentence for each."""
    return [_sentence(comparison) for comparison in table.against_paper]


def _sentence(comparison: Comparison) -> str:
    ahead, behind = comparison.ahead, comparison.behind
    p = f"(p = {comparison.adjusted:.2g})"
    if behind is None:
        return f"{ahead.label}: reported {ahead.reported:+.2f}, here {spread(ahead.result)} {p}"
    return (
        f"{words(comparison.metric)}: the paper has {ahead.label} ahead of {behind.label} "
        f"({ahead.reported:.2f} against {behind.reported:.2f}); here "
        f"{spread(ahead.result)} against {spread(behind.result)} {p}"
    )
