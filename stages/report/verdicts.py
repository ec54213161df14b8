"""What a claim of a paper is answered with, and when it counts as answered."""

from __future__ import annotations

import math
from dataclasses import dataclass

from stages.report.intervals import Interval

HOLDS, FAILS, OPEN = "holds", "does not hold", "cannot be told"
NONE = "–"  # noqa: RUF001


@dataclass(frozen=True)
class Claim:
    """`number` and `range` are texts; `ground` says what was counted."""

    source: str
    sentence: str
    number: str
    range: str
    verdict: str
    ground: str


def judged(found: Interval | None, value: float) -> str:
    """Whether an interval lies above `value`."""
    if found is None or found[0] <= value <= found[1] or math.isnan(found[0]):
        return OPEN
    return HOLDS if found[0] > value else FAILS


def percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def range_text(found: Interval | None, form: str = "{:+.2f}") -> str:
    return NONE if found is None else " to ".join(form.format(end) for end in found)
