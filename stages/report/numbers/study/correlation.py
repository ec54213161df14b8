"""Kendall's tau between a score and a result, alone and at equal size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import kendalltau

from stages.report.numbers.study.jackknife import Interval, Statistic, estimate, interval

STRETCH = np.arctanh, np.tanh  # Fisher's, in which tau is about normal (Fieller et al. 1957)


@dataclass(frozen=True)
class Correlation:
    """tau-b, its 95 % interval (None where there is none), the p of there being no relation (None
    of a partial one), and the number of architectures."""

    tau: float
    interval95: Interval | None
    p: float | None
    n: int


def correlation(scores: Sequence[float], results: Sequence[float]) -> Correlation:
    """Of scores of which high is said to be good. `tau` is nan if either has only ties."""
    x, y = np.asarray(scores, float), np.asarray(results, float)
    statistic = _tau(x, y)
    tau = estimate(statistic, len(x))
    p = float(kendalltau(x, y).pvalue) if np.isfinite(tau) else None
    return Correlation(tau, _interval(statistic, len(x)), p, len(x))


def partial(
    scores: Sequence[float], results: Sequence[float], sizes: Sequence[float]
) -> Correlation:
    """Kendall's partial tau (Kendall 1942): of scores and results with what either shares with the
    sizes taken away, (t_sr - t_sz t_rz) / sqrt((1 - t_sz^2) (1 - t_rz^2))."""
    x, y, z = (np.asarray(values, float) for values in (scores, results, sizes))
    pairs = _tau(x, y), _tau(x, z), _tau(y, z)

    def statistic(weights: np.ndarray) -> np.ndarray:
        xy, xz, yz = (tau(weights) for tau in pairs)
        with np.errstate(divide="ignore", invalid="ignore"):
            return (xy - xz * yz) / np.sqrt((1 - xz**2) * (1 - yz**2))

    return Correlation(estimate(statistic, len(x)), _interval(statistic, len(x)), None, len(x))


def _interval(statistic: Statistic, count: int) -> Interval | None:
    return interval(statistic, count, count - 1, STRETCH)


def _tau(x: np.ndarray, y: np.ndarray) -> Statistic:
    """tau-b of samples: a pair counts as often as both of its members together."""
    over_x, over_y = (np.sign(np.subtract.outer(values, values)) for values in (x, y))
    tables = over_x * over_y, np.abs(over_x), np.abs(over_y)

    def statistic(weights: np.ndarray) -> np.ndarray:
        agreeing, untied_x, untied_y = ((weights @ each * weights).sum(axis=1) for each in tables)
        with np.errstate(divide="ignore", invalid="ignore"):
            return agreeing / np.sqrt(untied_x * untied_y)

    return statistic
