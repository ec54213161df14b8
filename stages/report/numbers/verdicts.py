"""Which differences between methods are known: tests over seeds, corrected for their number.

A comparison *agrees* with the paper or *disagrees* only if its two-sided test at 95 % says that the
two means differ, after Holm's correction over all comparisons of its table; otherwise it *cannot
be told*, as always with a single seed on a side.
"""

from __future__ import annotations

import itertools
import math
import statistics
from bisect import bisect_left
from collections.abc import Iterable, Sequence

import numpy as np
from scipy.stats import chi2, nct, norm, t, ttest_1samp, ttest_ind

AGREES, DISAGREES, UNKNOWN = "agrees", "disagrees", "cannot be told"
LEVEL = 0.05  # probability of a verdict, right or wrong, in a table in which nothing differs
POWER = 0.8  # probability of a verdict if the difference is as large as assumed (Cohen 1988)
MOST = 10_000  # seeds; more are never asked for


def welch(one: Sequence[float], two: Sequence[float]) -> float | None:
    """p of two sets of independent seeds having the same mean, without assuming equal variances
    (Welch 1947); None if a side has one seed, or if no seed differs from another of its side."""
    if min(len(one), len(two)) < 2 or not (_spread(one) or _spread(two)):
        return None
    return float(ttest_ind(one, two, equal_var=False).pvalue)


def paired(differences: Sequence[float]) -> float | None:
    """p of differences within pairs having the mean 0 (Student); None as for `welch`."""
    if len(differences) < 2 or not _spread(differences):
        return None
    return float(ttest_1samp(differences, 0.0).pvalue)


def holm(values: Sequence[float | None]) -> list[float | None]:
    """p-values adjusted for their number (Holm 1979), in the same order; None stays and does not
    count."""
    order = sorted((p, place) for place, p in enumerate(values) if p is not None)
    adjusted: list[float | None] = [None] * len(values)
    stepped = (min(1.0, p * (len(order) - rank)) for rank, (p, _) in enumerate(order))
    for (_, place), p in zip(order, itertools.accumulate(stepped, max), strict=True):
        adjusted[place] = p
    return adjusted


def verdict(adjusted: float | None, as_reported: bool) -> str:
    """`as_reported`: whether the means are in the order of the paper."""
    if adjusted is None or adjusted >= LEVEL:
        return UNKNOWN
    return AGREES if as_reported else DISAGREES


def side(interval: tuple[float, float] | None, value: float = 0.0) -> str:
    """Of a claim that something is above `value`: whether its 95 % interval lies there."""
    if interval is None or math.isnan(interval[0]) or interval[0] <= value <= interval[1]:
        return UNKNOWN
    return AGREES if interval[0] > value else DISAGREES


def all_of(verdicts: Iterable[str]) -> str:
    """Of a claim with several parts: it fails with one of them, and holds with all."""
    found = set(verdicts)
    return DISAGREES if DISAGREES in found else AGREES if found == {AGREES} else UNKNOWN


def pooled_deviation(groups: Sequence[Sequence[float]]) -> float | None:
    """Standard deviation between the seeds of a method, from several methods; None if none has
    two seeds."""
    several = [group for group in groups if len(group) > 1]
    if not several:
        return None
    freedom = sum(len(group) - 1 for group in several)
    squares = sum((len(group) - 1) * statistics.variance(group) for group in several)
    return math.sqrt(squares / freedom)


def seeds_needed(difference: float, deviation: float, pairs: bool = False) -> int:
    """The fewest seeds of each of two methods with which a t-test at 95 % finds a difference of
    their means with a probability of 80 %; `deviation` is that between the seeds of a method, or
    with `pairs` that of the differences within pairs.

    Raises ValueError if either is not above 0.
    """
    if not (difference > 0 and deviation > 0):
        raise ValueError(f"difference {difference} and deviation {deviation} must be above 0")
    effect = difference / deviation

    def enough(seeds: int) -> bool:
        return power(seeds, effect, pairs) >= POWER

    low, high = 1, 2  # `low` are too few
    while high < MOST and not enough(high):
        low, high = high, 2 * high
    between = range(low + 1, min(high, MOST))
    return between.start + bisect_left(between, True, key=enough)


def power(seeds: int, effect: float, pairs: bool = False) -> float:
    """Probability that a two-sided t-test at 95 % finds a difference of `effect` deviations between
    two methods of `seeds` seeds each, or in `seeds` pairs (noncentral t; Cohen 1988, chapter 2)."""
    freedom = seeds - 1 if pairs else 2 * seeds - 2
    centre = effect * math.sqrt(seeds if pairs else seeds / 2)
    critical = t.ppf(1 - LEVEL / 2, freedom)
    found = float(nct.sf(critical, freedom, centre) + nct.cdf(-critical, freedom, centre))
    if math.isfinite(found):
        return found
    # SciPy's noncentral t is not a number for many large effects: the mean over the quantiles of
    # the deviation that the test divides by.
    share = (np.arange(1000) + 0.5) / 1000
    border = critical * np.sqrt(chi2.ppf(share, freedom) / freedom)
    return float(np.mean(norm.sf(border - centre) + norm.cdf(-border - centre)))


def _spread(values: Sequence[float]) -> bool:
    return len(set(values)) > 1
