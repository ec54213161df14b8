"""Figure of the pretrainings: the training loss, a line per run."""

from __future__ import annotations

from collections.abc import Sequence

from stages.report.figures.charts import Figure, Panel, Plot, axis, colour, legend
from stages.report.numbers.own_training import Training, in_unit


def pretraining_figure(found: Sequence[Training]) -> Figure | None:
    """A colour per row; None without a finite value."""
    curves = [
        (colour(place), run, points)
        for place, training in enumerate(found)
        for run, points in training.runs.items()
    ]
    try:
        y = axis("", [loss for _, _, points in curves for _, loss in points])
    except ValueError:
        return None
    title = in_unit("training loss", (training.unit for training in found))
    epochs = [epoch for _, _, points in curves for epoch, _ in points]
    plot = Plot(axis("epoch", epochs, whole=True), y)
    for css, _, points in curves:
        plot.line(points, css)
    ends = "; ".join(f"{run} ends at {points[-1][1]:.4g}" for _, run, points in curves)
    names = [(colour(place), training.row) for place, training in enumerate(found)]
    svg = plot.svg(f"{title} per epoch of pretraining", ends)
    return Figure("Pretraining", legend=legend(names), panels=(Panel(title, svg),))
