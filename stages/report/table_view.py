"""A table of a paper as the page shows it: lines of text, marks of agreement, every seed drawn."""

from __future__ import annotations

from typing import Any

from stages.report.charts import Plot, axis, rows_axis
from stages.report.settings import IDENTITY, row_label
from stages.report.statistics import agreement, comparisons, of_metric
from stages.report.tables import EXTRAS, lines
from stages.report.wording import TITLES, disagreements, interval, spread

DRAWN = 2  # metrics of a table that are drawn


def table_view(table: dict[str, Any]) -> dict[str, Any]:
    """What the template needs of one table; also `comparisons` and labelled rows for findings."""
    metrics = table["metric"] if isinstance(table["metric"], list) else [table["metric"]]
    found = comparisons(metrics, table["rows"])
    rows = [row | {"label": row_label(row)} for row in table["rows"]]
    return {
        **table,
        "id": f"{table['paper']}-{table['table']}",
        "name": f"{TITLES.get(table['paper'], table['paper'])}, {_name(table['table'])}",
        "several": len(metrics) > 1,
        "identity": [
            key for key in IDENTITY if any(row.get(key) is not None for row in table["rows"])
        ],
        "made": sum(row["reproduced"] is not None for row in rows),
        "runnable": sum(row["status"] == "run" for row in rows),
        "data": "; ".join(sorted({row["data"] for row in rows if row["data"]})),
        "devices": "; ".join(sorted({row["device"] for row in rows if row["device"]})),
        "lines": _lines(table, found, len(metrics)),
        "disagreements": disagreements(table),
        "figures": [_seeds(table, rows, metric) for metric in metrics[:DRAWN]],
        "undrawn": [metric.replace("_", " ") for metric in metrics[DRAWN:]],
        "comparisons": found,
        "rows": rows,
    }


def quantity(value: float | None, unit: float = 1.0) -> str:
    """`34.2 k`, `3.35 M`, `4.11 G`: three digits; nothing for None."""
    if value is None:
        return ""
    amount = value * unit
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if amount >= size:
            return f"{amount / size:.3g} {letter}"
    return f"{amount:.3g} "


def _name(table: str) -> str:
    """`table4` -> `table 4`, `section4_4` -> `section 4.4`."""
    for word in ("table", "section"):
        if table.startswith(word):
            return f"{word} {table.removeprefix(word).replace('_', '.')}"
    return table


def _lines(table: dict[str, Any], found: list[dict[str, Any]], count: int) -> list[dict[str, Any]]:
    """One per row and metric; `first` marks those that start a row of `count` lines."""
    shown = []
    for number, line in enumerate(lines(table)):
        agree, pairs = agreement(found, line["metric"], row_label(line))
        shown.append(
            line
            | {
                "first": number % count == 0,
                "count": count,
                "metric": line["metric"].replace("_", " "),
                "spread": spread(line) if line["mean"] is not None else "",
                "interval": interval(line) if line["interval95_low"] is not None else "",
                "agree": agree,
                "pairs": pairs,
                "params": quantity(line["params_million"], 1e6),
                "size": quantity(line["flops"]),
                "extras": "; ".join(
                    f"{key.replace('_', ' ')} {line[key]:.1f} %"
                    for key in EXTRAS
                    if line[key] is not None
                ),
            }
        )
    return shown


def _seeds(table: dict[str, Any], rows: list[dict[str, Any]], metric: str) -> str:
    """Every seed a dot, their mean a bar, the reported value a diamond; nothing if nothing ran."""
    made = [row for row in rows if row["reproduced"]][::-1]
    if not made:
        return ""
    reported = [of_metric(row["reported"], metric) for row in made]
    seeds = [[of_metric(seed["value"], metric) for seed in row["seeds"]] for row in made]
    label = metric.replace("_", " ")
    name = f"{label} (percentage points)" if metric.endswith("_difference") else f"{label} (%)"
    x = axis(name, [*reported, *(value for values in seeds for value in values)], count=6)
    names = [row["label"] for row in made]
    left = round(18 + 6.3 * max(map(len, names)))
    plot = Plot(x, rows_axis(len(made)), left + 420, 62 + 26 * len(made), left)
    if x.low < 0 < x.high:
        plot.rule(0.0)
    texts = []
    for place, (row, values, value) in enumerate(zip(made, seeds, reported, strict=True)):
        css = "own" if row["ours"] else "other"
        mean = of_metric(row["reproduced"]["mean"], metric)
        std = of_metric(row["reproduced"]["std"], metric) or 0.0
        plot.span(max(x.low, mean - std), min(x.high, mean + std), place, f"{css} faint", thick=9)
        plot.tick(mean, place, css)
        for seed, result in zip(row["seeds"], values, strict=True):
            plot.dot(result, place, css, radius=3.4, tip=f"{seed['run']}: {result:.2f}")
        plot.diamond(value, place, "ink", tip=f"{row['label']}, reported: {value:.2f}")
        texts.append(f"{row['label']}: reported {value:.2f}, here {mean:.2f}, n {len(values)}")
    title = f"{label.capitalize()} of every seed, {table['paper']} {table['table']}"
    return plot.svg(title, "; ".join(texts), names)
