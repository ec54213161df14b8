"""Whether the loss of pretraining still falls."""

from __future__ import annotations

import math

import pytest

from stages.report.numbers.own_training import (
    FALLS,
    LEVEL_OFF,
    TOO_SHORT,
    best_trend,
    trainings,
    trend,
)


@pytest.mark.parametrize(
    ("losses", "verdict"),
    [
        ([4.0, 3.5, 3.1, 2.8, 2.6, 2.4, 2.2, 2.0], FALLS),
        ([4.0, 3.0, 2.5, 2.2, 2.1, 2.09, 2.11, 2.1, 2.09, 2.1], LEVEL_OFF),
        ([4.0, 3.0, 2.5, 2.2, 2.0, 2.3, 1.9, 2.4, 1.95, 2.1], LEVEL_OFF),  # noise
        ([4.0, 3.0, 2.0, 2.0, 1.999, 1.998, 1.997, 1.996], LEVEL_OFF),  # by too little
        ([2.0, 2.0, 2.0, 2.0, 2.0, 2.0], LEVEL_OFF),
        ([1.0, 1.5, 2.0, 2.5, 3.0, 3.5], LEVEL_OFF),  # it rises
        ([4.0, 3.0, 2.0, 1.0, 0.5], TOO_SHORT),
        ([4.0, math.nan, math.inf, 3.0, 2.0, 1.0], TOO_SHORT),
    ],
)
def test_the_second_half_of_the_curve_is_judged(losses, verdict):
    assert trend(list(enumerate(losses, start=1))).verdict == verdict


def test_the_fall_is_a_fraction_of_the_loss():
    found = trend(list(enumerate([9.0, 9.0, 9.0, 5.0, 4.0, 3.0], start=1)))
    assert (found.epochs, found.fall) == (6, pytest.approx(0.5))  # from 5 to 3 around 4


def test_without_a_curve_nothing_is_known():
    assert trend([]) is None
    assert trend([(1, math.nan)]) is None


def test_the_curves_are_those_of_the_rows(own_made):
    table, evidence = own_made
    found = trainings(table, evidence)
    assert [training.row for training in found] == [row.row for row in table.rows]
    assert all(len(training.runs) == 3 for training in found)
    best = best_trend(table, evidence)
    assert (best.verdict, best.recipe, best.epochs) == (FALLS, "pretrain-b64", 8)
