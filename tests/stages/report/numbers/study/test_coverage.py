"""Intervals contain the true value in 93 to 97 % of simulated studies."""

from __future__ import annotations

import math

import numpy as np
import pytest

from stages.report.numbers.study.components import BEST_OF_FOUR, components
from stages.report.numbers.study.correlation import correlation, partial
from stages.report.numbers.study.groups import at_equal_size
from stages.report.numbers.study.selection import selection

STUDIES = 1000  # standard error of a coverage of 95 %: 0.7 points


def tau_of(correlation_coefficient: float) -> float:
    """Kendall's tau of a bivariate normal distribution."""
    return 2 / math.pi * math.asin(correlation_coefficient)


def hit(interval: tuple[float, float], truth: float) -> bool:
    return interval[0] <= truth <= interval[1]


def nominal(share: float) -> None:
    assert 0.93 <= share <= 0.97


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.8])
def test_tau(rho):
    draw, hits = np.random.default_rng(11), 0
    for _ in range(STUDIES):
        x, noise = draw.normal(size=(2, 40))
        hits += hit(correlation(x, rho * x + math.sqrt(1 - rho**2) * noise).interval95, tau_of(rho))
    nominal(hits / STUDIES)


def test_partial_tau():
    shared = np.array([[1, 0.6, 0.5], [0.6, 1, 0.4], [0.5, 0.4, 1]])
    xy, xz, yz = (tau_of(value) for value in (0.6, 0.5, 0.4))
    truth = (xy - xz * yz) / math.sqrt((1 - xz**2) * (1 - yz**2))
    draw, root, hits = np.random.default_rng(12), np.linalg.cholesky(shared), 0
    for _ in range(STUDIES):
        hits += hit(partial(*(root @ draw.normal(size=(3, 40)))).interval95, truth)
    nominal(hits / STUDIES)


@pytest.mark.parametrize(("count", "between", "within"), [(24, 1.0, 0.5), (10, 0.5, 1.0)])
def test_components_of_variance(count, between, within):
    draw, hits = np.random.default_rng(13), np.zeros(3)
    share = between**2 / (between**2 + within**2)
    for _ in range(STUDIES):
        true = between * draw.normal(size=(count, 1))
        found = components(true + within * draw.normal(size=(count, 3)))
        hits += (
            hit(found.architecture95, between),
            hit(found.seed95, within),
            hit(found.share95, share),
        )
    for found in hits / STUDIES:
        nominal(found)


@pytest.mark.parametrize("rho", [0.0, 0.6])
def test_selection_among_four(rho):
    """Of a score that correlates by rho with architectures of deviation 1; seeds of 0.7. Full
    training with two seeds correlates by 1 / sqrt(1 + 0.49 / 2) with them."""
    gain, full = rho * BEST_OF_FOUR, BEST_OF_FOUR / math.sqrt(1 + 0.49 / 2)
    draw, hits, means = np.random.default_rng(14), np.zeros(3), np.zeros(3)
    for _ in range(STUDIES):
        true, noise = draw.normal(size=(2, 40))
        results = true[:, None] + 0.7 * draw.normal(size=(40, 3))
        found = selection(rho * true + math.sqrt(1 - rho**2) * noise, results, differ=True)
        for place, (part, truth) in enumerate(
            ((found.gain, gain), (found.regret, full - gain), (found.share, rho))
        ):
            hits[place] += hit(part.interval95, truth)
            means[place] += part.value / STUDIES
    assert means == pytest.approx([gain, full - gain, rho], abs=0.04)  # no bias
    for found in hits / STUDIES:
        nominal(found)


def test_difference_at_equal_size():
    draw, hits = np.random.default_rng(15), 0
    for _ in range(STUDIES):
        sizes = draw.uniform(2, 6, 12), draw.uniform(1, 5, 9)
        one, two = (np.log(size) + draw.normal(size=len(size)) for size in sizes)
        hits += hit(at_equal_size(one + 0.5, two, *sizes).interval95, 0.5)
    nominal(hits / STUDIES)
