"""Times that people write and read: `budget=2h`, `2.5 hours`."""

from __future__ import annotations

import math
import re
from typing import Any

from nassl.settings import SettingsError

UNITS = {"m": 60, "h": 3600, "d": 86400}  # seconds
BUDGET = re.compile(r"(\d+(?:\.\d+)?)([mhd])")


def seconds_of(budget: Any) -> float:
    """Raises SettingsError for anything but a positive number of minutes, hours or days."""
    found = BUDGET.fullmatch(budget) if isinstance(budget, str) else None
    if found is None or not float(found[1]):
        raise SettingsError(
            f"budget is {budget!r}; a time is expected: 30m, 2h or 1d (minutes, hours, days)"
        )
    return float(found[1]) * UNITS[found[2]]


def enough(seconds: float) -> str:
    """The shortest budget that one would write with so many seconds: `6m`, `45m`, `2.5h`."""
    if seconds <= 2 * UNITS["h"]:
        step = 1 if seconds <= 30 * UNITS["m"] else 5
        return f"{step * max(1, math.ceil(seconds / (step * UNITS['m'])))}m"
    unit = "h" if seconds <= 2 * UNITS["d"] else "d"
    return f"{math.ceil(2 * seconds / UNITS[unit]) / 2:g}{unit}"


def in_words(seconds: float) -> str:
    """`45 minutes`, `2.5 hours`, `3 days`."""
    for unit, name in (("d", "days"), ("h", "hours")):
        if seconds >= 2 * UNITS[unit]:
            count = seconds / UNITS[unit]
            digits = f"{count:.1f}".removesuffix(".0") if count < 10 else f"{count:.0f}"
            return f"{digits} {name}"
    minutes = max(1, round(seconds / UNITS["m"]))
    return f"{minutes} minute{'' if minutes == 1 else 's'}"
