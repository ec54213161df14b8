"""Figure of the accuracy over the epochs of pretraining: a line per network."""

from __future__ import annotations

from collections.abc import Sequence

from stages.report.figures.charts import Figure, Plot, axis, colour, legend
from stages.report.numbers.accuracies import Accuracies


def accuracies_figure(found: Accuracies, texts: Sequence[str]) -> Figure:
    """`texts` describe it."""
    css = {run: colour(place) for place, run in enumerate(found.runs)}
    epochs = [x for points in found.runs.values() for x, _ in points]
    values = [y for points in found.runs.values() for _, y in points]
    plot = Plot(axis("epoch", epochs, whole=True), axis("kNN accuracy (%)", values), 620, 260)
    for run, points in found.runs.items():
        plot.line(points, css[run])
    title = f"Accuracy over epochs of pretraining on {found.data}"
    return Figure(
        title=title,
        svg=plot.svg(title, "; ".join(texts)),
        legend=legend((css[run], run) for run in found.runs),
    )
