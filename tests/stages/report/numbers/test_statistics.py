"""Statistics over seeds."""

from __future__ import annotations

import pytest

from stages.report.numbers.statistics import deviation, interval95


def test_deviation_and_interval():
    values = [2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]  # squared deviations from 5 sum to 32
    assert deviation(values) == pytest.approx((32 / 7) ** 0.5)
    assert deviation([1.0]) is None
    half = 2.364624 * (32 / 7) ** 0.5 / 8**0.5  # t(0.975, 7) of printed tables
    assert interval95(values) == pytest.approx([5 - half, 5 + half], abs=1e-5)
    assert interval95([1.0, 2.0]) is None
