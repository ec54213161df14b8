"""Margins of the scored candidates: an image's likeness to itself against the nearest other one."""

from __future__ import annotations

import math
from typing import Any

from stages.report.charts import Plot, axis, colour, legend, rows_axis
from stages.report.evidence import Evidence

QUANTILES = ("q05", "q25", "q50", "q75", "q95")


def margin_figures(evidence: Evidence) -> list[dict[str, Any]]:
    """One figure per data set: svg, legend and the candidates, widest margin first."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for run, line in evidence.lines["score"].items():
        metrics = evidence.metrics("score", run)
        if metrics and all(f"margin_{name}" in metrics for name in ("mean", *QUANTILES)):
            entry = {
                "run": run,
                "method": evidence.method("score", run),
                "seed": line["seed"],
                "loss": metrics.get("contrastive_loss"),
                "chance": _chance(metrics),
                **{name: metrics[f"margin_{name}"] for name in ("mean", *QUANTILES)},
            }
            groups.setdefault(line["data"], []).append(entry)
    return [_figure(data, entries) for data, entries in groups.items()]


def _chance(metrics: dict[str, Any]) -> float | None:
    """NT-Xent (nats) of equal similarities: ln(2 N - 1) in batches of N images."""
    if "contrastive_loss" not in metrics or "batch_size" not in metrics:
        return None
    return math.log(2 * metrics["batch_size"] - 1)


def _figure(data: str, entries: list[dict[str, Any]]) -> dict[str, Any]:
    methods = list(dict.fromkeys(entry["method"] for entry in entries))
    css = {method: colour(place) for place, method in enumerate(methods)}
    entries = sorted(entries, key=lambda entry: entry["mean"])
    values = [entry[name] for entry in entries for name in QUANTILES] + [0.0]
    names = [f"{entry['method']} s{entry['seed']}" for entry in entries]
    left = round(20 + 6.3 * max(map(len, names)))
    x = axis("margin (difference of cosine similarities)", values, count=6)
    height = 66 + 24 * len(entries)
    plot = Plot(x, rows_axis(len(entries)), width=left + 430, height=height, left=left)
    plot.rule(0.0)
    for row, entry in enumerate(entries):
        kind = css[entry["method"]]
        plot.span(entry["q05"], entry["q95"], row, kind, thick=1.5)
        plot.span(entry["q25"], entry["q75"], row, kind, thick=7)
        plot.dot(entry["q50"], row, "paper", radius=2.6)
        tip = f"{entry['run']}: mean {entry['mean']:.4f}"
        plot.diamond(entry["mean"], row, kind, tip=tip)
    text = "; ".join(
        f"{name}: 5 % {entry['q05']:.4f}, median {entry['q50']:.4f}, 95 % {entry['q95']:.4f}"
        for name, entry in zip(names, entries, strict=True)
    )
    return {
        "data": data,
        "legend": legend((css[method], method) for method in methods),
        "svg": plot.svg(f"Margins of {len(entries)} candidates on {data}", text, names),
        "entries": entries[::-1],
        "positive": sum(entry["mean"] > 0 for entry in entries),
    }
