"""A table's rows as a chart: every seed a dot, beside the reported value."""

from __future__ import annotations

from stages.report.figures.charts import CHARACTER, Plot, axis, rows_axis
from stages.report.numbers.rows import Table

DRAWN = 2  # metrics of a table that are drawn


def seeds_figure(table: Table, metric: str) -> str:
    """SVG: the mean of the seeds is a bar, the reported value a diamond; empty if nothing ran."""
    made = table.made[::-1]
    if not made:
        return ""
    label = metric.replace("_", " ")
    name = f"{label} (percentage points)" if metric.endswith("_difference") else f"{label} (%)"
    reported = [row.reported.values[metric] for row in made]
    seeds = [seed.values[metric] for row in made for seed in row.here.seeds]
    x = axis(name, [*reported, *seeds], count=6)
    names = [row.label for row in made]
    left = round(18 + CHARACTER * max(map(len, names)))
    plot = Plot(x, rows_axis(len(made)), left + 420, 62 + 26 * len(made), left)
    if x.low < 0 < x.high:
        plot.rule(0.0)
    texts = []
    for place, row in enumerate(made):
        css = "own" if row.reported.ours else "other"
        result, value = row.here.results[metric], row.reported.values[metric]
        mean, std = result.mean, result.std or 0.0
        plot.span(max(x.low, mean - std), min(x.high, mean + std), place, f"{css} faint", thick=9)
        plot.tick(mean, place, css)
        for seed in row.here.seeds:
            found = seed.values[metric]
            plot.dot(found, place, css, radius=3.4, tip=f"{seed.run}: {found:.2f}")
        plot.diamond(value, place, "ink", tip=f"{row.label}, reported: {value:.2f}")
        texts.append(f"{row.label}: reported {value:.2f}, here {mean:.2f}, n {row.here.n}")
    title = f"{label.capitalize()} of every seed, {table.paper.paper} {table.paper.table}"
    return plot.svg(title, "; ".join(texts), names)
