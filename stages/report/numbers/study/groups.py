"""Whether one group of architectures does better than another, plainly and at equal size."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import t, ttest_ind

from stages.report.numbers.statistics import interval95, mean
from stages.report.numbers.study.jackknife import Interval
from stages.report.numbers.verdicts import paired, welch


@dataclass(frozen=True)
class Difference:
    """Of two means, with its 95 % interval and the p of there being none; None where neither can be
    known. `n`: the numbers on both sides, or of pairs."""

    value: float
    interval95: Interval | None
    p: float | None
    n: tuple[int, ...]


def difference(one: Sequence[float], two: Sequence[float]) -> Difference:
    """Mean of `one` minus that of `two`: Welch's interval and test."""
    p = welch(one, two)
    found = None
    if p is not None:
        ends = ttest_ind(one, two, equal_var=False).confidence_interval(0.95)
        found = float(ends.low), float(ends.high)
    return Difference(mean(one) - mean(two), found, p, (len(one), len(two)))


def of_pairs(one: Sequence[float], two: Sequence[float]) -> Difference:
    """Mean of the differences within pairs: Student's interval (from three pairs on) and test."""
    apart = [a - b for a, b in zip(one, two, strict=True)]
    return Difference(mean(apart), interval95(apart), paired(apart), (len(apart),))


def at_equal_size(
    one: Sequence[float],
    two: Sequence[float],
    sizes_one: Sequence[float],
    sizes_two: Sequence[float],
) -> Difference:
    """The same where both have the same size: the coefficient of the group in a least-squares fit
    of the results by group and the logarithm of the size, with one slope for both groups (analysis
    of covariance), Student's interval and test with n - 3 degrees of freedom.

    Nothing is known (nan, no interval, no p) if sizes do not differ, or only between the groups,
    or there are fewer than four values.
    """
    results = np.array([*one, *two], float)
    size = np.log([*sizes_one, *sizes_two])
    group = np.array([1.0] * len(one) + [0.0] * len(two))
    n = (len(one), len(two))
    design = np.column_stack([np.ones(len(results)), group, size - size.mean()])
    freedom = len(results) - 3
    if freedom < 1 or np.linalg.matrix_rank(design) < 3:
        return Difference(math.nan, None, None, n)
    fitted, *_ = np.linalg.lstsq(design, results, rcond=None)
    variance = float(((results - design @ fitted) ** 2).sum()) / freedom
    error = math.sqrt(variance * np.linalg.inv(design.T @ design)[1, 1])
    value = float(fitted[1])
    if not error:
        return Difference(value, None, None, n)
    half = float(t.ppf(0.975, freedom)) * error
    p = 2 * float(t.sf(abs(value) / error, freedom))
    return Difference(value, (value - half, value + half), p, n)
