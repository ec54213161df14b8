"""Margins of the scored candidates."""

from __future__ import annotations

import math

from stages.report.figures.margins import margins_figure
from stages.report.numbers.margins import margins


def test_margins_know_chance(evidence):
    (found,) = margins(evidence)
    assert found.positive == 2
    assert {candidate.chance for candidate in found.candidates} == {math.log(127)}


def test_the_widest_mean_margin_is_drawn_on_top(evidence):
    (found,) = margins(evidence)
    file = evidence.folder("score", found.candidates[0].run) / "metrics.json"
    file.write_text(file.read_text().replace('"margin_mean": 0.1', '"margin_mean": 0.2'))
    (found,) = margins(evidence)
    svg = margins_figure(found).svg
    first, second = (svg.index(f"<title>{one.run}: mean") for one in found.candidates)
    assert second < first  # rows are drawn from below
