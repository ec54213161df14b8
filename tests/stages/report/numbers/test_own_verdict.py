"""Own images: what is better than what, and when that cannot be told."""

from __future__ import annotations

import pytest
from scipy.stats import t

from stages.report.numbers.own_verdict import (
    AT_CHANCE,
    BASELINE,
    BETTER,
    FEW_IMAGES,
    LOSS,
    MIXED,
    NO_SPREAD,
    NOISE,
    ONE_SEED,
    PRETRAINING,
    SEARCH,
    TIE,
    WORSE,
    guessed,
    judge,
    sampling,
)
from stages.report.numbers.verdicts import UNKNOWN, power
from tests.stages.report.own_rows import drawn, own_table, published, searched

HIGH, MIDDLE = (80, 81, 82), (60, 61, 63)


def only(rows, question=PRETRAINING):
    (duel,) = judge(own_table(*rows)).of(question)
    return duel


@pytest.mark.parametrize(
    ("linear", "untrained", "verdict", "reason"),
    [
        (HIGH, MIDDLE, BETTER, ""),
        (MIDDLE, HIGH, WORSE, ""),
        ((80, 60, 90), (75, 70, 70), UNKNOWN, NOISE),
        ((80,), (60,), UNKNOWN, ONE_SEED),
        ((80, 60), (70, 70), UNKNOWN, TIE),
        ((80, 80), (60, 60), UNKNOWN, NO_SPREAD),
        ((80.1, 80.7), (60.1, 60.7), UNKNOWN, NO_SPREAD),  # in floating point they differ
        ((51, 52, 51.5), (48, 48.5, 49), UNKNOWN, AT_CHANCE),
        ((80, 81, 82), (78, 79.5, 80), UNKNOWN, FEW_IMAGES),
    ],
)  # fmt: skip
def test_pretraining_is_judged_within_pairs(linear, untrained, verdict, reason):
    duel = only([searched(linear, untrained)])
    assert (duel.verdict, duel.reason) == (verdict, reason)


@pytest.mark.parametrize(
    ("one", "other", "verdict", "reason"),
    [
        (HIGH, MIDDLE, BETTER, ""),
        (MIDDLE, HIGH, WORSE, ""),
        ((80, 60, 70), (60, 70, 75), UNKNOWN, NOISE),
        ((80, 81, 82), (60,), UNKNOWN, ONE_SEED),
        ((80, 60), (70, 70), UNKNOWN, TIE),
        ((80, 80), (60, 60), UNKNOWN, NO_SPREAD),
        ((51, 52), (48, 49), UNKNOWN, AT_CHANCE),
    ],
)
@pytest.mark.parametrize(("question", "kind"), [(SEARCH, drawn), (BASELINE, published)])
def test_networks_are_judged_over_independent_seeds(one, other, verdict, reason, question, kind):
    duel = only([searched(one), kind(other)], question)
    assert (duel.verdict, duel.reason) == (verdict, reason)


def test_one_network_above_chance_is_enough_to_order_them():
    assert only([searched((90, 91, 92), (49, 50, 48))]).verdict == BETTER


def test_chance_is_what_guessing_the_most_frequent_class_rarely_exceeds():
    # binomial: 50 % of 1,000 has a deviation of 1.58 points, times 1.645 for 19 of 20
    assert guessed(50, 1000) == pytest.approx(50 + 1.645 * 1.581, abs=0.1)
    assert guessed(100, 10) == 100
    assert sampling(400) == pytest.approx(4.9)


def test_the_interval_over_images_is_newcombes():
    """Of 64 and 48 right of 80, from the two Wilson intervals in closed form (z = 1.96)."""

    def wilson(p, n, z=1.959964):
        middle, half = p + z**2 / (2 * n), z * (p * (1 - p) / n + z**2 / (4 * n**2)) ** 0.5
        return [100 * (middle + side * half) / (1 + z**2 / n) for side in (-1, 1)]

    duel = only([searched((80, 79, 81), (60, 60, 60), n_tested_on=80)])
    (low, high), (other_low, other_high) = wilson(0.8, 80), wilson(0.6, 80)
    assert duel.image_interval == pytest.approx((
        20 - ((80 - low) ** 2 + (other_high - 60) ** 2) ** 0.5,
        20 + ((high - 80) ** 2 + (60 - other_low) ** 2) ** 0.5,
    ))  # fmt: skip


def test_difference_interval_and_p_by_hand():
    duel = only([searched((80, 82, 84), (60, 61, 62))])
    half = t.ppf(0.975, 2) * 1 / 3**0.5  # differences 20, 21, 22
    assert duel.difference == 21
    assert duel.interval == pytest.approx((21 - half, 21 + half))
    assert duel.p == pytest.approx(2 * t.sf(21 * 3**0.5, 2))


def test_p_is_adjusted_for_the_comparisons_that_are_tested():
    rows = [searched(HIGH, MIDDLE), drawn((70, 75, 90)), published((79,))]
    found = judge(own_table(*rows))
    p = [duel.p for duel in found.duels]
    assert p[2] is None  # one seed
    assert found.duels[0].adjusted == pytest.approx(2 * p[0])
    assert found.duels[1].adjusted == pytest.approx(p[1])


def test_without_labels_the_candidates_losses_are_compared():
    rows = [searched(candidates=(2.0, 2.1)), drawn(candidates=(3.0, 3.2))]
    assert only(rows, SEARCH).measure == LOSS
    assert only(rows, SEARCH).verdict == BETTER  # a low loss is good
    assert (
        only([searched(candidates=(3.0, 3.2)), drawn(candidates=(2.0, 2.1))], SEARCH).verdict
        == WORSE
    )
    chance = {"candidates_chance": 4.844}
    rows = [searched(candidates=(4.83, 4.84), **chance), drawn(candidates=(4.9, 4.91), **chance)]
    assert only(rows, SEARCH).reason == AT_CHANCE
    assert judge(own_table(*rows)).answer(PRETRAINING) is None


def test_accuracies_go_before_losses():
    rows = [searched(HIGH, candidates=(2.0, 2.1)), drawn(MIDDLE, candidates=(1.0, 1.1))]
    assert only(rows, SEARCH).measure == "linear_accuracy"


def test_measures_are_put_together():
    def answer(knn, untrained):
        values = {"knn_accuracy": knn, "knn_accuracy_untrained": untrained}
        return judge(own_table(searched(HIGH, MIDDLE, values=values))).answer(PRETRAINING)

    assert answer(HIGH, (60, 62, 61)) == BETTER
    assert answer((60, 62, 61), HIGH) == MIXED
    assert answer((80, 60, 70), (70, 70, 70)) == BETTER  # the other cannot be told
    assert judge(own_table(searched((80,), (60,)))).answer(PRETRAINING) == UNKNOWN


@pytest.mark.parametrize(("loss", "learnt"), [(4.84, False), (4.7, True), (None, None)])
def test_whether_pretraining_has_learnt(loss, learnt):
    row = searched(pretraining_chance=4.844 if loss else None)
    pretrained = tuple(type(seed)(seed.run, loss or 1.0) for seed in row.pretrained)
    row = type(row)(**{**vars(row), "pretrained": pretrained})
    assert judge(own_table(row)).learnt is learnt


def test_the_seeds_that_would_tell():
    pairs = only([searched((80, 60, 90), (75, 70, 70))])
    # differences 5, -10, 20: mean 5, deviation 15
    assert power(pairs.seeds, 1 / 3, pairs=True) >= 0.8 > power(pairs.seeds - 1, 1 / 3, pairs=True)
    between = only([searched((80, 60, 70)), drawn((60, 70, 75))], SEARCH)
    assert between.seeds > pairs.seeds
    assert only([searched(HIGH, MIDDLE)]).seeds is None


def test_the_network_to_export_is_the_best_or_the_seed_with_the_lowest_loss():
    runs = judge(own_table(searched(HIGH), published(MIDDLE))).runs
    assert runs == {"SSNAS": "best", "ResNet-18": "pretrain/ResNet-18-s0"}
