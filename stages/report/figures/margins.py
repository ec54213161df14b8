"""Margins of the scored candidates, a row per candidate."""

from __future__ import annotations

from stages.report.figures.charts import CHARACTER, Figure, Plot, axis, colour, legend, rows_axis
from stages.report.numbers.margins import Margins


def margins_figure(margins: Margins) -> Figure:
    """Quantiles as bars, the widest mean margin on top."""
    methods = list(dict.fromkeys(candidate.method for candidate in margins.candidates))
    css = {method: colour(place) for place, method in enumerate(methods)}
    candidates = sorted(margins.candidates, key=lambda candidate: candidate.mean)
    values = [value for candidate in candidates for value in candidate.quantiles.values()] + [0.0]
    names = [f"{candidate.method} s{candidate.seed}" for candidate in candidates]
    left = round(20 + CHARACTER * max(map(len, names)))
    x = axis("margin (difference of cosine similarities)", values, count=6)
    height = 66 + 24 * len(candidates)
    plot = Plot(x, rows_axis(len(candidates)), width=left + 430, height=height, left=left)
    plot.rule(0.0)
    for row, candidate in enumerate(candidates):
        kind, found = css[candidate.method], candidate.quantiles
        plot.span(found["q05"], found["q95"], row, kind, thick=1.5)
        plot.span(found["q25"], found["q75"], row, kind, thick=7)
        plot.dot(found["q50"], row, "paper", radius=2.6)
        tip = f"{candidate.run}: mean {candidate.mean:.4f}"
        plot.diamond(candidate.mean, row, kind, tip=tip)
    text = "; ".join(
        f"{name}: 5 % {candidate.quantiles['q05']:.4f}, median {candidate.quantiles['q50']:.4f}, "
        f"95 % {candidate.quantiles['q95']:.4f}"
        for name, candidate in zip(names, candidates, strict=True)
    )
    return Figure(
        title=f"Candidates on {margins.data}",
        svg=plot.svg(f"Margins of {len(candidates)} candidates on {margins.data}", text, names),
        legend=legend((css[method], method) for method in methods),
    )
