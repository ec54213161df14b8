"""Figures of the searches: DVCLive's curves, a panel per quantity, a line per run."""

from __future__ import annotations

from html import escape
from typing import Any

from nassl.settings import OBJECTIVES
from stages.report.charts import Plot, axis, colour, legend
from stages.report.evidence import Evidence

# Curve of a search -> its name on the axis, and whether it only takes whole numbers.
QUANTITIES = {
    "validation_loss": ("validation loss (nats)", False),
    "train_loss": ("training loss (nats)", False),
    "entropy_normal": ("entropy of alpha, normal cell (nats)", False),
    "entropy_reduce": ("entropy of alpha, reduction cell (nats)", False),
    "entropy": ("entropy of alpha (nats)", False),
    "skip_connections": ("skip connections, normal cell", True),
    "operations_left": ("operations left at a place", True),
    "sub_network_parameters": ("sub-network (million parameters)", False),
}


def search_curves(evidence: Evidence) -> list[dict[str, Any]]:
    """One figure per data set and space: title, legend, panels of (title, svg). Losses of different
    objectives are not comparable and get panels of their own."""
    groups: dict[tuple[str, str], list[str]] = {}
    for run, line in evidence.lines["search"].items():
        if any(evidence.curve("search", run, name) for name in QUANTITIES):
            groups.setdefault((line["data"], line["space"]), []).append(run)
    return [_figure(evidence, data, space, runs) for (data, space), runs in groups.items()]


def _figure(evidence: Evidence, data: str, space: str, runs: list[str]) -> dict[str, Any]:
    methods = list(dict.fromkeys(evidence.method("search", run) for run in runs))
    colours = {method: colour(place) for place, method in enumerate(methods)}
    panels = []
    for name, (label, whole) in QUANTITIES.items():
        for kind, members in _by_objective(evidence, runs, name).items():
            drawn = {run: evidence.curve("search", run, name) for run in members}
            drawn = {run: points for run, points in drawn.items() if points}
            if not drawn:
                continue
            title = f"{label}, {kind}" if kind else label
            css = {run: colours[evidence.method("search", run)] for run in drawn}
            panels.append((title, _panel(title, data, drawn, css, name, whole)))
    return {
        "title": f"Searches on {data} (space {space})",
        "legend": legend((css, method) for method, css in colours.items()),
        "panels": panels,
        "runs": len(runs),
    }


def _by_objective(evidence: Evidence, runs: list[str], name: str) -> dict[str, list[str]]:
    if not name.endswith("_loss"):
        return {"": runs}
    kinds: dict[str, list[str]] = {}
    for run in runs:
        entry = evidence.lines["search"][run].get("objective")
        kind = (evidence.plan.get("objective", {}).get(entry) or {}).get("kind", "")
        loss = OBJECTIVES[kind].loss_name if kind in OBJECTIVES else ""
        kinds.setdefault(loss or kind, []).append(run)
    return kinds


def _panel(
    title: str,
    data: str,
    drawn: dict[str, list[tuple[float, float]]],
    css: dict[str, str],
    name: str,
    whole: bool,
) -> str:
    if name == "sub_network_parameters":
        drawn = {run: [(x, y / 1e6) for x, y in points] for run, points in drawn.items()}
    values = [y for points in drawn.values() for _, y in points]
    epochs = [x for points in drawn.values() for x, _ in points]
    try:
        y = axis("", values, whole)
    except ValueError:  # not one finite value
        return f'<p class="empty">{escape(title)}: no finite value was recorded.</p>'
    plot = Plot(axis("epoch", epochs, whole=True), y, width=300, height=190)
    for run, points in drawn.items():
        plot.line(points, css[run])
    ends = "; ".join(f"{run} ends at {points[-1][1]:.4g}" for run, points in drawn.items())
    return plot.svg(f"{title} per epoch of the searches on {data}", ends)
