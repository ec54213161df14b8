"""Mean, spread, best value and interval over seeds."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from scipy.special import stdtrit
from scipy.stats import binomtest


def mean(values: Sequence[float]) -> float:
    return statistics.fmean(values)


def deviation(values: Sequence[float]) -> float | None:
    """Sample standard deviation (n - 1 in the denominator); None for one value."""
    return statistics.stdev(values) if len(values) > 1 else None


@dataclass(frozen=True)
class Share:
    """`count` is at least 1."""

    hits: int
    count: int

    @property
    def value(self) -> float:
        return self.hits / self.count

    @property
    def interval95(self) -> tuple[float, float]:
        """Wilson's."""
        found = binomtest(self.hits, self.count).proportion_ci(0.95, method="wilson")
        return float(found.low), float(found.high)


def best(metric: str, values: Sequence[float]) -> float:
    """The lowest error, or the highest of any other metric."""
    return min(values) if "error" in metric else max(values)


def interval95(values: Sequence[float]) -> tuple[float, float] | None:
    """Student's 95 % confidence interval of the mean; None for fewer than three."""
    count = len(values)
    if count < 3:
        return None
    half = float(stdtrit(count - 1, 0.975)) * statistics.stdev(values) / math.sqrt(count)
    return mean(values) - half, mean(values) + half
