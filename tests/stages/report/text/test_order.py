"""Sentences about the order of methods."""

from __future__ import annotations

import pytest

from stages.report.text.markdown import page
from tests.stages.report.rows import row, table


@pytest.mark.parametrize(("distance", "within"), [(1.0, True), (3.0, True), (5.0, False)])
def test_a_distance_is_compared_with_the_larger_deviation(distance, within):
    rows = [row("A", 2.0, 50.0, 2.0), row("B", 1.0, 50.0 + distance, 4.0), row("C", 0.5, 1.0)]
    text = page(table(rows))
    assert "The order differs from the paper's in 1 of 3 comparisons" in text
    assert f"here 50.00 ± 2.00 against {50 + distance:.2f} ± 4.00" in text
    assert ("less than one standard deviation apart" in text) == within


def test_agreement_is_said_too():
    one = page(table([row("A", 3.0, 3.0), row("B", 2.0, 2.0)]))
    assert "The order is the paper's in 1 comparison." in one
    rows = [row("A", 3.0, 3.0), row("B", 2.0, 2.0), row("C", 1.0, 1.0)]
    assert "The order is the paper's in all 3 comparisons." in page(table(rows))
