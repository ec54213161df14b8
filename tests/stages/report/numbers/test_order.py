"""The order of methods, here and in the paper."""

from __future__ import annotations

import pytest

from stages.report.numbers.order import agreement, comparisons
from tests.stages.report.rows import row, table


@pytest.mark.parametrize(("metric", "changed"), [("test_error", "BC"), ("test_accuracy", "CB")])
def test_order_of_methods(metric, changed):
    rows = [
        row("A", 1.0, 1.0, metric=metric),
        row("B", 2.0, 3.0, metric=metric),
        row("C", 3.0, 2.0, metric=metric),
        row("D", 4.0, None, metric=metric),
    ]
    found = table(rows, metric)
    assert len(found.comparisons) == 3
    # Only B and C have changed places, whichever direction is better.
    (against,) = found.against_paper
    assert (against.ahead.label, against.behind.label) == tuple(changed)


def test_equal_in_the_paper_is_not_compared_and_equal_here_does_not_agree():
    assert not comparisons(["AP"], [row("A", 1.0, 1.0), row("B", 1.0, 3.0)])
    (found,) = comparisons(["AP"], [row("A", 1.0, 2.0), row("B", 3.0, 2.0)])
    assert not found.agrees


def test_batch_sizes_are_not_compared():
    rows = [row("A", 1.0, 2.0, batch_size=32), row("A", 3.0, 1.0, batch_size=64)]
    assert not comparisons(["AP"], rows)


@pytest.mark.parametrize(("here", "agrees"), [(0.1, True), (-0.1, False)])
def test_sign_of_a_difference(here, agrees):
    metric = "accuracy_difference"
    (found,) = comparisons([metric], [row("A minus B", 0.63, here, metric=metric)])
    assert found.agrees is agrees
    assert found.behind is None
    assert not found.apart


@pytest.mark.parametrize(("distance", "apart"), [(1.0, False), (3.0, False), (5.0, True)])
def test_a_distance_is_compared_with_the_larger_deviation(distance, apart):
    rows = [row("A", 2.0, 50.0, 2.0), row("B", 1.0, 50.0 + distance, 4.0)]
    (found,) = comparisons(["AP"], rows)
    assert found.apart is apart
    assert found.spread_known


def test_a_row_agrees_where_its_own_comparisons_do():
    rows = [row("A", 1.0, 1.0), row("B", 2.0, 3.0), row("C", 3.0, 2.0)]
    found = comparisons(["AP"], rows)
    assert [agreement(found, "AP", one) for one in rows] == [(2, 2), (1, 2), (1, 2)]
    assert agreement(found, "AP50", rows[0]) == (0, 0)
    metric = "accuracy_difference"
    lone = row("A minus B", 0.5, -0.1, metric=metric)
    assert agreement(comparisons([metric], [lone]), metric, lone) == (0, 1)
