"""Variance of a result between architectures, beside that between seeds of one: what there is to
select by, and what is chance.

One-way random effects, balanced: result = mean + architecture + seed, both normal.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import chi2, f

TAIL = 0.025
# The expected largest of four values from a standard normal distribution (Harter 1961).
BEST_OF_FOUR = 1.0293753730


@dataclass(frozen=True)
class Components:
    """Standard deviations in the results' unit, each with its 95 % interval. `architecture` is 0
    where seeds explain all; `share` is that of the architectures in the variance of a run."""

    architecture: float
    architecture95: tuple[float, float]
    seed: float
    seed95: tuple[float, float]
    share: float
    share95: tuple[float, float]
    n: int  # architectures
    seeds: int  # of each

    @property
    def best_of_four(self) -> float:
        """By how much the best of four architectures is better than their mean, on average, for
        whoever knows the truth."""
        return BEST_OF_FOUR * self.architecture

    @property
    def best_of_four95(self) -> tuple[float, float]:
        low, high = self.architecture95
        return BEST_OF_FOUR * low, BEST_OF_FOUR * high


def components(results: Sequence[Sequence[float]]) -> Components | None:
    """`results[architecture][seed]`. None for fewer than two architectures or seeds, or if no
    result differs from another.

    Between seeds: the exact interval by chi-squared. Share: the exact one by F. Architectures: the
    modified large-sample interval of a difference of mean squares (Ting et al. 1990, in Burdick and
    Graybill 1992, sec. 3.3). Raises ValueError for different numbers of seeds.
    """
    if len({len(row) for row in results}) > 1:
        raise ValueError("every architecture must have the same number of seeds")
    if len(results) < 2 or len(results[0]) < 2:
        return None
    values = np.asarray(results, float)
    n, seeds = values.shape
    between = seeds * values.mean(axis=1).var(ddof=1)
    within = values.var(axis=1, ddof=1).mean()
    if not within:
        return None
    of_between, of_within = n - 1, n * (seeds - 1)
    architecture = max(0.0, (between - within) / seeds)
    ratio = between / within
    low, high = (f.ppf(q, of_between, of_within) for q in (1 - TAIL, TAIL))
    share = tuple(_share(ratio / each, seeds) for each in (low, high))
    seed = tuple(math.sqrt(of_within * within / chi2.ppf(q, of_within)) for q in (1 - TAIL, TAIL))
    ends = (
        math.sqrt(max(0.0, end) / seeds)
        for end in _difference(between, within, of_between, of_within)
    )
    return Components(
        architecture=math.sqrt(architecture),
        architecture95=tuple(ends),
        seed=math.sqrt(within),
        seed95=seed,
        share=architecture / (architecture + within),
        share95=share,
        n=n,
        seeds=seeds,
    )


def _share(ratio: float, seeds: int) -> float:
    """Share of the architectures for a ratio of expected mean squares."""
    return max(0.0, (ratio - 1) / (ratio - 1 + seeds))


def _difference(one: float, two: float, of_one: int, of_two: int) -> tuple[float, float]:
    """95 % interval of the difference of two expected mean squares."""
    g1, g2 = (1 - freedom / chi2.ppf(1 - TAIL, freedom) for freedom in (of_one, of_two))
    h1, h2 = (freedom / chi2.ppf(TAIL, freedom) - 1 for freedom in (of_one, of_two))
    upper, lower = f.ppf(1 - TAIL, of_one, of_two), f.ppf(TAIL, of_one, of_two)
    g12 = ((upper - 1) ** 2 - g1**2 * upper**2 - h2**2) / upper
    h12 = ((1 - lower) ** 2 - h1**2 * lower**2 - g2**2) / lower
    below = g1**2 * one**2 + h2**2 * two**2 + g12 * one * two
    above = h1**2 * one**2 + g2**2 * two**2 + h12 * one * two
    return one - two - math.sqrt(max(0.0, below)), one - two + math.sqrt(max(0.0, above))
