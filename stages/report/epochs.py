"""Accuracy over the epochs of pretraining: a figure per data set, a line per network."""

from __future__ import annotations

from typing import Any

from nassl.files import read_json
from stages.report.charts import Plot, axis, colour, legend
from stages.report.evidence import Evidence


def accuracy_figures(evidence: Evidence) -> list[dict[str, Any]]:
    """Title, legend, svg and a sentence per network: its last and its best epoch."""
    groups: dict[str, dict[str, list[tuple[float, float]]]] = {}
    for run, line in evidence.lines["probe"].items():
        file = evidence.folder("probe", run) / "epochs.json"
        if file.exists() and (points := read_json(file)):
            drawn = [(entry["epoch"], 100 * entry["knn_accuracy"]) for entry in points]
            groups.setdefault(line["data"], {})[run] = drawn
    return [_figure(data, drawn) for data, drawn in groups.items()]


def _figure(data: str, drawn: dict[str, list[tuple[float, float]]]) -> dict[str, Any]:
    css = {run: colour(place) for place, run in enumerate(drawn)}
    epochs = [x for points in drawn.values() for x, _ in points]
    values = [y for points in drawn.values() for _, y in points]
    plot = Plot(axis("epoch", epochs, whole=True), axis("kNN accuracy (%)", values), 620, 260)
    texts = []
    for run, points in drawn.items():
        plot.line(points, css[run])
        best, last = max(points, key=lambda point: point[1]), points[-1]
        texts.append(
            f"{run}: {last[1]:.1f} % after epoch {last[0]}, at best {best[1]:.1f} % after "
            f"epoch {best[0]}"
        )
    title = f"Accuracy over epochs of pretraining on {data}"
    return {
        "title": title,
        "legend": legend((css[run], run) for run in drawn),
        "svg": plot.svg(title, "; ".join(texts)),
        "texts": texts,
    }
