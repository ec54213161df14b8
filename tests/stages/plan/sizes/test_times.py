"""Times as people write and read them."""

from __future__ import annotations

import re

import pytest

from nassl.settings import SettingsError
from stages.plan.sizes.times import enough, in_words, seconds_of


@pytest.mark.parametrize(
    ("budget", "seconds"),
    [("30m", 1800), ("2h", 7200), ("1.5h", 5400), ("90m", 5400), ("1d", 86400)],
)
def test_minutes_hours_and_days(budget, seconds):
    assert seconds_of(budget) == seconds


@pytest.mark.parametrize(
    "budget", [2, None, "2", "2 hours", "h", "0h", "-2h", "2h30m", "1e3m", True]
)
def test_anything_else_is_refused(budget):
    message = f"budget is {budget!r}; a time is expected: 30m, 2h or 1d (minutes, hours, days)"
    with pytest.raises(SettingsError, match=re.escape(message)):
        seconds_of(budget)


@pytest.mark.parametrize("seconds", [1, 299, 300, 301, 7199, 7201, 90_000, 172_801, 1e6])
def test_the_budget_that_is_named_is_enough_and_not_much_more(seconds):
    found = seconds_of(enough(seconds))
    assert seconds <= found <= max(300, 2 * seconds)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (20, "1 minute"),
        (3000, "50 minutes"),
        (7100, "118 minutes"),
        (7200, "2 hours"),
        (9000, "2.5 hours"),
        (100_000, "28 hours"),
        (200_000, "2.3 days"),
        (2e6, "23 days"),
    ],
)
def test_in_words(seconds, text):
    assert in_words(seconds) == text
