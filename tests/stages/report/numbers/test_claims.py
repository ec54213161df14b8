"""The papers' claims: numbers by hand, and verdicts that follow the interval or the tests."""

from __future__ import annotations

import math

import pytest

from stages.report.numbers.claims import Collapse, TrainingError
from stages.report.numbers.claims_faunae import (
    Speed,
    eliminations,
    kernels,
    sizes,
    starts,
    transfer,
    unstable,
)
from stages.report.numbers.evolution import Drop, Epoch, Evolution, Mutation, Size
from stages.report.numbers.statistics import Share
from stages.report.numbers.verdicts import AGREES, DISAGREES, UNKNOWN, all_of, side
from tests.stages.report.rows import row, table


def test_a_verdict_is_the_side_on_which_the_interval_lies():
    assert side((0.1, 0.4)) == AGREES
    assert side((-0.4, -0.1)) == DISAGREES
    assert side((-0.1, 0.4)) == side(None) == side((math.nan,) * 2) == UNKNOWN
    assert (side((0.6, 0.8), 0.5), side((0.6, 0.8), 0.7)) == (AGREES, UNKNOWN)


def test_parts_of_a_claim_fail_with_one_and_hold_with_all():
    assert all_of([AGREES, AGREES]) == AGREES
    assert all_of([AGREES, UNKNOWN]) == UNKNOWN
    assert all_of([AGREES, UNKNOWN, DISAGREES]) == DISAGREES


def test_the_interval_of_a_share_by_hand():
    # Wilson, 8 of 10, z = 1.959964: (0.8 + 0.192073 -+ 1.959964 sqrt(0.016 + 0.009604)) / 1.384146
    assert Share(8, 10).interval95 == pytest.approx((0.49016, 0.94331), abs=1e-4)


def test_collapse_is_told_only_if_the_shares_are_apart():
    assert Collapse("digits", Share(20, 20), Share(0, 20)).verdict == AGREES
    assert Collapse("digits", Share(0, 20), Share(20, 20)).verdict == DISAGREES
    assert Collapse("digits", Share(1, 1), Share(0, 2)).verdict == UNKNOWN


def test_training_errors_against_one_percent():
    assert TrainingError((0.001, 0.002, 0.0015), (0.03,) * 3).verdict == AGREES
    assert TrainingError((0.1, 0.101, 0.102), (0.03,) * 3).verdict == DISAGREES
    assert TrainingError((0.001, 0.002), (0.03,) * 2).verdict == UNKNOWN
    low, high = TrainingError((0.1, 0.2, 0.3), (0.0,) * 3).interval
    assert (low + high) / 2 == pytest.approx(0.2)


def table2(**accuracies):
    """FaUNAE's table 2 with a value per seed."""
    rows = [
        row(name.replace("_", " "), 60.0 + place, values, method="MoCo v2", metric="linear")
        for place, (name, values) in enumerate(accuracies.items())
    ]
    return [table(rows, "linear", name="faunae.table2")]


def test_better_starts_end_better_only_if_all_pairs_are_apart_and_in_order():
    names = ("Random", "ResNet-50", "FaUNAE (random)", "FaUNAE (ResNet-50)")

    def found(*values):
        return starts(table2(**dict(zip(names, values, strict=True))))

    held = found([60.0, 60.2], [67.0, 67.2], [61.0, 61.2], [68.0, 68.2])
    assert (held.verdict, held.same_order, len(held.pairs)) == (AGREES, 1, 1)
    assert found([60.0, 60.2], [67.0, 67.2], [68.0, 68.2], [61.0, 61.2]).verdict == DISAGREES
    single = found([60.0], [67.0], [61.0], [68.0])
    assert (single.verdict, single.told) == (UNKNOWN, 0)
    assert found([60.0, 67.0], [61.0, 68.0], [61.0, 61.2], [68.0, 68.2]).verdict == UNKNOWN
    assert starts(table2(Random=[60.0])) is None


def evolution(blocks=(), epochs=(), start=100, end=120):
    return Evolution("e", tuple(epochs), tuple(blocks), Size(100, start), Size(125, end))


def test_kernels_are_counted_against_their_uniform_share():
    found = kernels([evolution(["sa_conv_3x3_r2"] * 40 + ["identity"] * 9)])
    assert (found.verdict, found.small, found.split) == (AGREES, Share(40, 40), Share(40, 40))
    assert kernels([evolution(["conv_5x5"] * 40)]).verdict == DISAGREES
    assert kernels([evolution(["conv_3x3", "sa_conv_5x5_r4"])]).verdict == UNKNOWN
    assert kernels([evolution()]) is None


def test_flops_are_the_same_within_a_tenth():
    same = [evolution(end=end) for end in (99, 101, 100)]
    assert sizes(same).verdict == AGREES
    assert sizes([evolution(end=end) for end in (140, 141, 142)]).verdict == DISAGREES
    assert sizes(same[:1]).verdict == UNKNOWN
    assert sizes(same).parameters == (1.25,) * 3
    assert sizes(same).flops == (0.99, 1.01, 1.0)
    assert sizes([Evolution("e", ())]) is None


def test_eliminations_that_hit_the_present_operation():
    def epoch(choice, mutations, dropped):
        return Epoch(1, tuple(choice), tuple(mutations), tuple(dropped))

    history = [  # the present operation of place 0 is a: b was tried and refused
        epoch(["b"], [Mutation(0, "a", "b", accepted=False)], [Drop(0, "b")]),
        epoch(["a"], [], [Drop(0, "a")]),
    ]
    found = eliminations([evolution(epochs=history)])
    assert found.hits == Share(1, 2)
    assert found.blindly == pytest.approx((1 / 3 + 1 / 2) / 2)  # of three, then of two
    assert found.verdict == UNKNOWN
    # ten places lose one of two: never the present operation, then always it
    never = epoch(["a"] * 10, [], [Drop(n, "b") for n in range(10)])
    assert eliminations([evolution(epochs=[never])]).verdict == AGREES
    always = epoch(["a"] * 10, [], [Drop(n, "a") for n in range(10)])
    assert eliminations([evolution(epochs=[always])]).verdict == DISAGREES
    assert eliminations([evolution(epochs=[epoch(["a"], [], [])])]) is None


def test_faster_only_if_all_pairs_of_searches_say_so():
    assert Speed((3.0, 4.0), (1.0, 2.0)).verdict == AGREES
    assert Speed((1.0,), (2.0, 3.0)).verdict == DISAGREES
    assert Speed((1.0, 4.0), (2.0,)).verdict == UNKNOWN


def test_unstable_if_a_mean_is_uncertain_by_more_than_a_point():
    def found(*values):
        rows = [row("FaUNAE", 90.0, values, best=max(values)), row("ResNet-18", 89.0, [1.0, 50.0])]
        return unstable([table(rows, name="faunae.table1")])

    assert found(80.0, 90.0, 100.0).verdict == AGREES
    assert found(90.0, 90.1, 90.2).verdict == DISAGREES
    assert found(80.0, 90.0).verdict == UNKNOWN
    assert found(80.0, 90.0, 100.0).deviations == (10.0,)
    assert (
        unstable([table([row("FaUNAE", 90.0, [80.0, 90.0, 100.0])], name="faunae.table1")]) is None
    )


def test_self_supervised_against_supervised_as_the_table_compares_them():
    rows = [
        row("ResNet-50", 53.5, [50.0, 50.2, 50.1], method="supervised"),
        row("FaUNAE", 59.3, [59.0, 59.2, 59.1], method="MoCo v2"),
    ]
    assert transfer([table(rows, name="faunae.table3")]).verdict == AGREES
    third = row("ResNet-50", 55.9, [50.1], method="MoCo v1")
    found = transfer([table([*rows, third], name="faunae.table3")])
    assert found.verdict == UNKNOWN
    assert len(found.comparisons) == 2  # FaUNAE against MoCo v1 is none of them
    worse = row("ResNet-50", 55.9, [40.0, 40.2, 40.1], method="MoCo v1")
    assert transfer([table([*rows, worse], name="faunae.table3")]).verdict == DISAGREES
    assert transfer([table(rows[1:], name="faunae.table3")]) is None
