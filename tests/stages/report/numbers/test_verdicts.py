"""Verdicts on comparisons, against published examples, hand-computed tables and simulations."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import betainc
from scipy.stats import t

from stages.report.numbers.statistics import interval95
from stages.report.numbers.verdicts import (
    AGREES,
    DISAGREES,
    MOST,
    UNKNOWN,
    holm,
    paired,
    pooled_deviation,
    power,
    seeds_needed,
    verdict,
    welch,
)


def test_welch_by_hand():
    """Means 2 and 5, variances 1 and 4 of three seeds each: t = 3 / sqrt(5/3), freedom
    (5/3)^2 / ((1/3)^2/2 + (4/3)^2/2) = 50/17; p is Student's, as an incomplete beta function."""
    t, freedom = 3 / (5 / 3) ** 0.5, 50 / 17
    expected = betainc(freedom / 2, 0.5, freedom / (freedom + t * t))
    assert welch([1.0, 2.0, 3.0], [3.0, 5.0, 7.0]) == pytest.approx(expected)
    assert welch([3.0, 5.0, 7.0], [1.0, 2.0, 3.0]) == pytest.approx(expected)


def test_paired_by_hand():
    """t = 2 / (1 / sqrt(3)) with 2 degrees of freedom: p = 1 - t / sqrt(t^2 + 2)."""
    t = 2 * 3**0.5
    assert paired([1.0, 2.0, 3.0]) == pytest.approx(1 - t / (t * t + 2) ** 0.5)


@pytest.mark.parametrize(
    ("one", "two"), [([1.0], [2.0, 3.0]), ([1.0, 2.0], [5.0]), ([1.0, 1.0], [2.0, 2.0])]
)
def test_one_seed_or_no_spread_says_nothing(one, two):
    assert welch(one, two) is None
    assert paired(one) is None or len(set(one)) > 1


def test_holm_by_hand():
    """0.01 x 4; 0.015 x 3; 0.03 x 2 and 0.04 x 1, which may not be below the one before."""
    assert holm([0.04, 0.01, None, 0.03, 0.015]) == pytest.approx([0.06, 0.04, None, 0.06, 0.045])
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert holm([None]) == [None]
    assert holm([]) == []


def test_a_verdict_needs_a_small_p():
    assert verdict(0.049, True) == AGREES
    assert verdict(0.049, False) == DISAGREES
    assert verdict(0.05, True) == verdict(None, True) == UNKNOWN


def test_a_pooled_deviation_by_hand():
    assert pooled_deviation([[1.0, 3.0], [1.0, 2.0, 3.0], [9.0]]) == pytest.approx((4 / 3) ** 0.5)
    assert pooled_deviation([[1.0], []]) is None


def test_seeds_needed_as_in_published_tables():
    """Cohen 1988, table 2.4.1, a = 0.05 two-sided, power 0.80: 393, 64 and 26 a group; the three
    effects are his small, medium and large ones."""
    assert [seeds_needed(effect, 1.0) for effect in (0.2, 0.5, 0.8)] == [394, 64, 26]
    assert seeds_needed(5.0, 10.0) == 64
    assert seeds_needed(1e-9, 1.0) == MOST
    with pytest.raises(ValueError, match="above 0"):
        seeds_needed(0.0, 1.0)


def test_power_in_a_simulation():
    random = np.random.default_rng(0)
    draws = random.normal([1.2, 0.0], 1.0, (4000, 8, 2))
    found = np.mean([welch(draw[:, 0], draw[:, 1]) < 0.05 for draw in draws])
    assert found == pytest.approx(power(8, 1.2), abs=0.03)


@pytest.mark.parametrize(
    ("effect", "pairs", "fewest"),
    [(10.549134185935682, True, 3), (5.444220764808692, True, 3), (23.86093216690147, False, 2)],
)
def test_a_large_effect_needs_few_seeds(effect, pairs, fewest):
    """SciPy's noncentral t is not a number there. Compared with draws of the statistic."""
    assert seeds_needed(effect, 1.0, pairs) == fewest
    random = np.random.default_rng(0)
    for seeds in range(2, 5):
        freedom = seeds - 1 if pairs else 2 * seeds - 2
        centre = effect * (seeds if pairs else seeds / 2) ** 0.5
        drawn = random.normal(centre, 1, 100_000)
        drawn /= (random.chisquare(freedom, 100_000) / freedom) ** 0.5
        share = np.mean(np.abs(drawn) > t.ppf(0.975, freedom))
        assert power(seeds, effect, pairs) == pytest.approx(share, abs=0.006)


@pytest.mark.parametrize("seeds", [3, 5, 10])
def test_intervals_contain_the_mean_as_often_as_they_say(seeds):
    random = np.random.default_rng(seeds)
    low, high = np.array(
        [interval95(draw) for draw in random.normal(7.0, 3.0, (4000, seeds)).tolist()]
    ).T
    assert 0.93 < np.mean((low < 7.0) & (high > 7.0)) < 0.97


def test_verdicts_on_a_table_without_differences_are_rare():
    """Six comparisons of four methods that are equal: at most 5 % of such tables have a verdict."""
    random = np.random.default_rng(1)
    wrong = 0
    for table in random.normal(80.0, 1.0, (1000, 4, 4)):
        pairs = [welch(table[i], table[j]) for i in range(4) for j in range(i)]
        wrong += any(verdict(p, True) != UNKNOWN for p in holm(pairs))
    assert wrong / 1000 < 0.065
