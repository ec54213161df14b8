"""Mean, spread and interval over seeds."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from scipy.special import stdtrit


def mean(values: Sequence[float]) -> float:
    return statistics.fmean(values)


def deviation(values: Sequence[float]) -> float | None:
    """Sample standard deviation (n - 1 in the denominator); None for one value."""
    return statistics.stdev(values) if len(values) > 1 else None


def interval95(values: Sequence[float]) -> tuple[float, float] | None:
    """Student's 95 % confidence interval of the mean; None for fewer than three."""
    count = len(values)
    if count < 3:
        return None
    half = float(stdtrit(count - 1, 0.975)) * statistics.stdev(values) / math.sqrt(count)
    return mean(values) - half, mean(values) + half
