"""Numbers as text."""

from __future__ import annotations

import pytest

from stages.report.text.wording import duration


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.01, "0 s"), (1.24, "1.2 s"), (42, "42 s"), (119, "119 s"), (600, "10 min"),
     (7200, "2.0 h"), (36000, "10 h"), (864000, "10.0 d")],
)  # fmt: skip
def test_durations(seconds, text):
    assert duration(seconds) == text
