"""Figures of the searches: DVCLive's curves, a panel per quantity, a line per run."""

from __future__ import annotations

from html import escape

from stages.report.figures.charts import Figure, Panel, Plot, axis, colour, legend
from stages.report.numbers.searches import QUANTITIES, Curves, Searches


def searches_figure(searches: Searches) -> Figure:
    """A colour per method."""
    methods = list(dict.fromkeys(searches.methods.values()))
    colours = {method: colour(place) for place, method in enumerate(methods)}
    css = {run: colours[method] for run, method in searches.methods.items()}
    return Figure(
        title=f"Searches on {searches.data} (space {searches.space})",
        legend=legend((css, method) for method, css in colours.items()),
        panels=tuple(_panel(curves, searches.data, css) for curves in searches.curves),
    )


def _panel(curves: Curves, data: str, css: dict[str, str]) -> Panel:
    label, whole = QUANTITIES[curves.quantity]
    label += f" ({curves.unit})" if curves.unit else ""
    title = f"{label}, {curves.objective}" if curves.objective else label
    drawn = curves.runs
    if curves.quantity == "sub_network_parameters":
        drawn = {run: [(x, y / 1e6) for x, y in points] for run, points in drawn.items()}
    values = [y for points in drawn.values() for _, y in points]
    epochs = [x for points in drawn.values() for x, _ in points]
    try:
        y = axis("", values, whole)
    except ValueError:  # not one finite value
        text = f'<p class="empty">{escape(title)}: no finite value was recorded.</p>'
        return Panel(title, text)
    plot = Plot(axis("epoch", epochs, whole=True), y, width=300, height=190)
    for run, points in drawn.items():
        plot.line(points, css[run])
    ends = "; ".join(f"{run} ends at {points[-1][1]:.4g}" for run, points in drawn.items())
    return Panel(title, plot.svg(f"{title} per epoch of the searches on {data}", ends))
