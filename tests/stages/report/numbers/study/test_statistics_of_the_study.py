"""The study's statistics against scipy, hand-computed tables and literal enumeration."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy.stats import f_oneway, kendalltau, linregress, ttest_ind

from stages.report.numbers.study.components import BEST_OF_FOUR, components
from stages.report.numbers.study.correlation import correlation, partial
from stages.report.numbers.study.groups import at_equal_size, difference, of_pairs
from stages.report.numbers.study.jackknife import interval
from stages.report.numbers.study.selection import selection


@pytest.mark.parametrize("seed", range(3))
def test_tau_and_p_are_scipys_with_ties(seed):
    x, y = np.random.default_rng(seed).integers(0, 6, size=(2, 12))
    found, scipys = correlation(x, y), kendalltau(x, y)
    assert (found.tau, found.p) == pytest.approx((scipys.statistic, scipys.pvalue))
    assert found.interval95[0] < found.tau < found.interval95[1]


def test_partial_tau_by_hand():
    # Pairs of (1 2 3 4) with (2 1 3 4): 5 agree, 1 does not: 4/6. With (1 3 2 4): 4/6. Between
    # the two: pairs (1,2) and (2,3) disagree: 2/6.
    # Hence (2/6 - 4/6 * 4/6) / (1 - 16/36) = (-1/9) / (5/9) = -1/5.
    found = partial([2, 1, 3, 4], [1, 3, 2, 4], [1, 2, 3, 4])
    assert found.tau == pytest.approx(-1 / 5)
    assert (found.interval95, found.p) == (None, None)  # too few


def test_only_ties_give_no_tau():
    found = correlation([1] * 8, range(8))
    assert math.isnan(found.tau)
    assert found.interval95 is None
    assert found.p is None


def test_jackknife_of_a_mean_is_students_interval():
    values = np.array([3.0, 1, 4, 1, 5, 9, 2, 6])
    low, high = interval(lambda w: w @ values / w.sum(axis=1), 8, 7)
    half = 2.364624251592785 * values.std(ddof=1) / math.sqrt(8)  # t of 7 degrees, tables: 2.365
    assert (low, high) == pytest.approx((values.mean() - half, values.mean() + half))


def test_components_by_hand():
    # Means 2, 5, 8; between: 2 * var(means) = 2 * 9 = 18; within: (2 + 2 + 2) / 3 = 2.
    found = components([[1, 3], [4, 6], [7, 9]])
    assert found.architecture == pytest.approx(math.sqrt((18 - 2) / 2))
    assert found.seed == pytest.approx(math.sqrt(2))
    assert found.share == pytest.approx(8 / 10)
    assert found.best_of_four == pytest.approx(BEST_OF_FOUR * math.sqrt(8))
    # Chi-squared tables of 3 degrees: 9.3484, 0.2158: sqrt(6 / 9.3484), sqrt(6 / 0.2158).
    assert found.seed95 == pytest.approx((math.sqrt(6 / 9.3484), math.sqrt(6 / 0.2158)), rel=1e-3)
    # F = 9 with (2, 3) degrees, tables: 16.044, and 1 / 39.165 for the lower one: ratios of
    # expected mean squares 9 / 16.044 (below 1: share 0) and 9 * 39.165 = 352.5: 351.5 / 353.5.
    assert found.share95 == pytest.approx((0, 351.5 / 353.5), rel=1e-4)


def test_mean_squares_are_scipys_and_no_difference_between_architectures_is_zero():
    values = np.random.default_rng(5).normal(size=(7, 3)) + np.arange(7)[:, None]
    found = components(values)
    ratio = (3 * found.architecture**2 + found.seed**2) / found.seed**2
    assert ratio == pytest.approx(f_oneway(*values).statistic)
    alike = components([[1, 3], [3, 1], [1, 4]])
    assert (alike.architecture, alike.share) == (0, 0)
    assert alike.architecture95[0] == 0 < alike.architecture95[1]
    assert components([[1, 1], [1, 1]]) is None
    assert components([[1], [2]]) is None
    with pytest.raises(ValueError, match="same number of seeds"):
        components([[1, 2], [1]])


def test_best_of_four_normal_values():
    draws = np.random.default_rng(0).normal(size=(400_000, 4)).max(axis=1)
    assert draws.mean() == pytest.approx(BEST_OF_FOUR, abs=0.003)


def test_selection_is_the_mean_over_all_groups_of_four():
    draw = np.random.default_rng(3)
    scores, results = draw.permutation(7).astype(float), draw.normal(size=(7, 3))
    taken, gains, best = [], [], []
    for group in itertools.combinations(range(7), 4):
        members = list(group)
        means = results[members].mean(axis=1)
        taken.append(means[np.argmax(scores[members])])
        gains.append(taken[-1] - means.mean())
        held_out = []
        for seed in range(3):
            others = np.delete(results[members], seed, axis=1).mean(axis=1)
            held_out.append(results[members][np.argmax(others), seed])
        best.append(np.mean(held_out))
    found = selection(scores, results, differ=True)
    assert found.gain.value == pytest.approx(np.mean(gains))
    assert found.regret.value == pytest.approx(np.mean(best) - np.mean(taken))
    deviation = components(results).architecture
    assert found.share.value == pytest.approx(found.gain.value / (BEST_OF_FOUR * deviation))
    assert selection(scores, results, differ=False).share is None
    assert selection(scores[:5], results[:5], differ=True) is None


def test_equal_scores_are_taken_equally_often():
    results = np.arange(14.0).reshape(7, 2)
    found = selection([1.0] * 7, results, differ=False)
    assert found.gain.value == pytest.approx(0, abs=1e-12)


def test_differences_are_scipys():
    one, two = [3.0, 4, 7, 5], [1.0, 2, 2]
    found = difference(one, two)
    test = ttest_ind(one, two, equal_var=False)
    assert found.value == pytest.approx(4.75 - 5 / 3)
    assert (*found.interval95, found.p) == pytest.approx((*test.confidence_interval(), test.pvalue))
    pairs = of_pairs([2.0, 4, 6], [1.0, 1, 1])  # 1, 3, 5: mean 3, deviation 2; t of 2: 4.3027
    half = 4.302652729911275 * 2 / math.sqrt(3)
    assert pairs.interval95 == pytest.approx((3 - half, 3 + half))
    assert difference([1.0], two).interval95 is None


def test_at_equal_size_is_a_regression_on_what_size_leaves():
    draw = np.random.default_rng(1)
    sizes_one, sizes_two = draw.uniform(2, 9, 8), draw.uniform(1, 5, 9)
    one = 2 + 1.5 * np.log(sizes_one) + draw.normal(size=8)
    two = 1.5 * np.log(sizes_two) + draw.normal(size=9)
    found = at_equal_size(one, two, sizes_one, sizes_two)
    # Frisch, Waugh and Lovell: both regressed on size first
    size, group = np.log([*sizes_one, *sizes_two]), np.repeat([1.0, 0], (8, 9))
    results = np.concatenate([one, two])
    left = [y - linregress(size, y).slope * size for y in (group, results)]
    slope = linregress(*left)
    assert found.value == pytest.approx(slope.slope)
    error = slope.stderr * math.sqrt(15 / 14)  # 17 - 3 degrees of freedom in place of 17 - 2
    assert (found.interval95[1] - found.interval95[0]) / 2 == pytest.approx(2.144787 * error)
    alone = at_equal_size([1.0, 2], [3.0, 4], [5, 5], [5, 5])
    assert math.isnan(alone.value)  # and not the plain difference
    assert (alone.interval95, alone.p) == (None, None)
