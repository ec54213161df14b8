"""Margins of the scored candidates."""

from __future__ import annotations

import json
import math

import pytest

from stages.report.figures.margins import margins_figure
from stages.report.numbers.margins import differences, margins
from stages.report.text.findings import of_differences


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


def judged(evidence, run: str, loss: float, deviation: float) -> None:
    file = evidence.folder("score", run) / "metrics.json"
    values = {
        "contrastive_loss": loss,
        "contrastive_loss_std_between_draws": deviation,
        "view_pairs": 4,
    }
    file.write_text(json.dumps(json.loads(file.read_text()) | values))


@pytest.mark.parametrize(("noise", "apart", "said"), [(0.19, 1, "In 1 of 1"), (0.21, 0, "noise.")])
def test_scores_differ_by_twice_their_noise_or_are_ranked_by_it(evidence, noise, apart, said):
    one, two = (run for run, line in evidence.lines["score"].items() if "ssnas" in run)
    judged(evidence, one, 4.0, noise)
    judged(evidence, two, 4.0 + 0.2 * math.sqrt(2), noise)  # deviation: 0.2

    (found,) = differences(evidence)

    assert (found.candidates, found.spread, found.noise) == (2, pytest.approx(0.2), noise / 2)
    assert found.told_apart == apart
    (finding,) = of_differences([found])
    assert said in finding.text
