"""95 % intervals of shares, differences and ratios."""

from __future__ import annotations

import statistics

from scipy.stats import binomtest, ttest_ind

Interval = tuple[float, float]


def of_share(hits: int, count: int) -> Interval:
    """Wilson's interval of a share; `count` is at least 1."""
    found = binomtest(hits, count).proportion_ci(0.95, method="wilson")
    return float(found.low), float(found.high)


def of_difference(ours: list[float], theirs: list[float]) -> Interval | None:
    """Welch's interval of the difference of two means; None for fewer than two values on a side,
    or where no value differs from another on its side."""
    if min(len(ours), len(theirs)) < 2:
        return None
    if not statistics.stdev(ours) and not statistics.stdev(theirs):
        return None
    found = ttest_ind(ours, theirs, equal_var=False).confidence_interval(0.95)
    return float(found.low), float(found.high)
