"""Curves of the searches."""

from __future__ import annotations

from stages.report.figures.searches import searches_figure
from stages.report.numbers.searches import searches


def test_a_curve_without_a_finite_value_is_said_not_drawn(evidence):
    folder = evidence.results / "search/darts-digits-s0/curves/plots/metrics"
    (folder / "validation_loss.tsv").write_text("step\tvalidation_loss\n0\tnan\n1\tinf\n")
    (found,) = searches(evidence)
    panels = {panel.title: panel.svg for panel in searches_figure(found).panels}
    assert "no finite value was recorded" in panels["validation loss (nats), cross entropy"]
    assert "<svg" in panels["validation loss (nats), contrastive"]
    assert "nan" not in panels["validation loss (nats), contrastive"]
