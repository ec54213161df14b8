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


def test_losses_of_different_kinds_have_panels_and_units_of_their_own(evidence):
    evidence.plan["objective"] |= {
        "vicreg": {"kind": "lightly", "loss": "VICRegLoss"},
        "dcl": {"kind": "lightly", "loss": "DCLLoss"},
    }
    lines = evidence.plan["search"]
    lines["ssnas-digits-s0"]["objective"] = "vicreg"
    lines["ssnas-digits-s1"]["objective"] = "dcl"
    (found,) = searches(evidence)
    titles = [panel.title for panel in searches_figure(found).panels]
    assert [title for title in titles if title.startswith("validation loss")] == [
        "validation loss (nats), cross entropy",
        "validation loss, VICRegLoss",
        "validation loss (nats), DCLLoss",
    ]
