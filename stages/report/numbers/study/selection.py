"""What selecting the best of four architectures by a score is worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stages.report.numbers.study.components import BEST_OF_FOUR
from stages.report.numbers.study.jackknife import LEAST, Interval, Statistic, estimate, interval

OF = 4  # architectures to select one from: the papers' number of search seeds (SSNAS sec. 4.2)


@dataclass(frozen=True)
class Estimate:
    """`interval95` is None where there is none; `n` counts architectures."""

    value: float
    interval95: Interval | None
    n: int


@dataclass(frozen=True)
class Selection:
    """Of all groups of four, on average, in the results' unit. `gain`: the result of what the score
    takes, minus the mean of the four. `regret`: the result of what full training with the other
    seeds would take, minus that of what the score takes; every result is of a seed that nothing was
    chosen by, so that luck does not make the best look better. `share`: the gain in that of an
    all-knowing selection, 1.03 standard deviations between architectures; None where these are not
    known to differ."""

    gain: Estimate
    regret: Estimate
    share: Estimate | None


def selection(
    scores: Sequence[float], results: Sequence[Sequence[float]], differ: bool
) -> Selection | None:
    """Of scores of which high is good, and `results[architecture][seed]`; `differ`: whether the
    architectures are known to. None for fewer than six architectures or two seeds."""
    score, values = np.asarray(scores, float), np.asarray(results, float)
    count = len(score)
    if count < LEAST or values.shape[1] < 2:
        return None
    mean = values.mean(axis=1)
    taken = [(score, mean)]
    others = [
        (np.delete(values, seed, axis=1).mean(axis=1), values[:, seed])
        for seed in range(values.shape[1])
    ]

    def gain(weights: np.ndarray) -> np.ndarray:
        return _expected(taken, weights) - _mean(mean, weights)

    def regret(weights: np.ndarray) -> np.ndarray:
        return _expected(others, weights) - _expected(taken, weights)

    def share(weights: np.ndarray) -> np.ndarray:
        with np.errstate(divide="ignore", invalid="ignore"):
            return gain(weights) / (BEST_OF_FOUR * _deviation(values, weights))

    return Selection(
        _estimate(gain, count),
        _estimate(regret, count),
        _estimate(share, count) if differ else None,
    )


def _estimate(statistic: Statistic, count: int) -> Estimate:
    # decided: degrees of freedom: half of the architectures, for the skewed numbers that averages
    # over groups of four are (simulated: with n - 1, a regret has a coverage of 91 to 94 %).
    found = interval(statistic, count, count / 2 - 1)
    return Estimate(estimate(statistic, count), found, count)


Ranked = list[tuple[np.ndarray, np.ndarray]]  # what is chosen by, what it gives; both (n,)


def _expected(ranked: Ranked, weights: np.ndarray) -> np.ndarray:
    """(R,): the expected result of the one of highest score among four of a sample's
    architectures, drawn without putting any back; of equal scores each is taken equally often."""
    total = np.zeros(len(weights))
    for score, value in ranked:
        _, level = np.unique(score, return_inverse=True)
        members = np.eye(level.max() + 1)[level]  # (n, levels)
        there, sums = weights @ members, (weights * value) @ members
        up_to = np.cumsum(there, axis=1)
        first = _groups(up_to) - _groups(up_to - there)
        with np.errstate(divide="ignore", invalid="ignore"):
            means = np.where(there > 0, sums / there, 0.0)
        total += (first * means).sum(axis=1) / _groups(weights.sum(axis=1))
    return total / len(ranked)


def _groups(count: np.ndarray) -> np.ndarray:
    """Groups of four among `count`, ordered: count (count - 1) (count - 2) (count - 3)."""
    return np.prod([count - place for place in range(OF)], axis=0)


def _mean(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return weights @ values / weights.sum(axis=1)


def _deviation(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Standard deviation between architectures without that between seeds (`components`) of
    samples; nan where seeds explain all."""
    count, seeds = weights.sum(axis=1), values.shape[1]
    mean = values.mean(axis=1)
    squares = _mean(mean**2, weights) - _mean(mean, weights) ** 2
    within = _mean(values.var(axis=1, ddof=1), weights)
    variance = squares * count / (count - 1) - within / seeds
    return np.sqrt(np.where(variance > 0, variance, np.nan))
