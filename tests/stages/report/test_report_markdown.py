"""Sentences of the page."""

from __future__ import annotations

import pytest

from stages.report.markdown import page


@pytest.mark.parametrize(("distance", "within"), [(1.0, True), (3.0, True), (5.0, False)])
def test_a_distance_is_compared_with_the_larger_deviation(distance, within):
    entry = {
        "metric": "AP",
        "ahead_in_paper": {"row": "A", "reported": 2.0, "mean": 50.0, "std": 2.0, "n": 2},
        "behind_in_paper": {"row": "B", "reported": 1.0, "mean": 50.0, "std": 4.0, "n": 2},
    }
    entry["behind_in_paper"]["mean"] += distance
    order = {"pairs": 3, "agree": 2, "against_paper": [entry]}
    text = page({"metric": "AP", "rows": [], "ordering": order})
    assert "The ordering differs from the paper's in 1 of 3 comparisons" in text
    assert f"here 50.00 ± 2.00 against {50 + distance:.2f} ± 4.00" in text
    assert ("less than one standard deviation apart" in text) == within


def test_agreement_is_said_too():
    order = {"pairs": 3, "agree": 3, "against_paper": []}
    text = page({"metric": "AP", "rows": [], "ordering": order})
    assert "Ordering as in the paper in all 3 comparisons." in text
