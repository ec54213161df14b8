"""How many seeds would tell methods apart."""

from __future__ import annotations

import pytest

from stages.report.numbers.needed import needed
from tests.stages.report.rows import row, table


def test_seeds_by_hand():
    """The paper's differences are 1, 3 and 4, of which 3 is in the middle; the variances between
    seeds are 2 and 8, of two seeds each, together 5: an effect of 3 / sqrt(5) = 1.34, for which
    Cohen 1988, table 2.4.1, has between 12 (1.2) and 9 (1.4) a side."""
    rows = [row("A", 5.0, (1.0, 3.0)), row("B", 4.0, (1.0, 5.0)), row("C", 1.0, 2.0)]
    found = needed([table(rows)])
    assert found.difference == 3.0
    assert found.deviation == pytest.approx(5**0.5)
    assert found.seeds == 10
    assert (found.least, found.most) == (1, 2)


def test_nothing_compared_needs_nothing():
    assert needed([table([row("A", 5.0, (1.0, 3.0))])]) is None


def test_without_a_spread_nobody_knows():
    found = needed([table([row("A", 5.0, 1.0), row("B", 4.0, 2.0)])])
    assert found.difference == 1.0
    assert found.deviation is None
    assert found.seeds is None
