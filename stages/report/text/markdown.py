"""The papers' tables in Markdown: one by one, and all on one page."""

from __future__ import annotations

from typing import Any

from tabulate import tabulate

from stages.report.numbers.rows import Line, Table
from stages.report.text.findings import of_tables
from stages.report.text.order import disagreements, verdict
from stages.report.text.tables import extras, identifying, note, number_from, protocol
from stages.report.text.wording import (
    COLUMNS,
    interval,
    meaning,
    metrics_of,
    spread,
    title,
    words,
)


def index(tables: list[Table]) -> str:
    """All tables on one page; scale, device and what disagrees with the papers come first."""
    text = ["# The papers' tables: reported and reproduced\n", _provenance(tables)]
    text += [f"{finding.text}\n" for finding in of_tables(tables)]
    notes = dict.fromkeys(note(row) for table in tables for row in table.made)
    text += [f"**{found}.**\n" for found in notes if found]
    text.append(f"{COLUMNS} Bold: the paper's own method.\n")
    for table in tables:
        text.append(f"## {title(table)}\n\n{page(table)}")
    return "\n".join(text)


def single(table: Table) -> str:
    """A page with one table."""
    return f"# {title(table)}\n\n{_provenance([table])}\n{page(table)}"


def page(table: Table) -> str:
    """The table in Markdown and, below it, what comes out in another order than in the paper."""
    keys = identifying(table)
    if any(row.search_method for row in table.paper.rows):
        keys.append("search_method")
    cells = [_cells(line, keys, len(table.metrics) > 1) for line in table.lines]
    caption = (
        f"{metrics_of(table)}. Where two numbers share a cell, the reported one is in brackets."
    )
    caption = " ".join(filter(None, [caption, protocol(table)]))
    body = tabulate(cells, headers="keys", tablefmt="github", disable_numparse=True)
    return "\n".join([caption + "\n", body + "\n", *_disagreement(table), ""])


def _cells(line: Line, keys: list[str], several: bool) -> dict[str, Any]:
    """Column -> cell; what belongs to the row as a whole stands in its first line only."""
    reported, here, result = line.row.reported, line.row.here, line.result
    row = {"row": f"**{reported.row}**" if reported.ours else reported.row}
    row |= {words(key): getattr(reported, key) for key in keys}
    rest = {
        "params (M)": _number(here and here.params_million, ".3g", reported.params_million),
        "GFLOPs": _number(_giga(here and here.flops), ".3g", _giga(reported.flops)),
        "search (device-days)": _number(
            here and here.search_device_days, ".2g", reported.search_gpu_days
        ),
        "training (s)": _number(here and here.training_seconds, ".0f"),
        "note": "; ".join(
            filter(None, [note(line.row), number_from(line.row), extras(line.row, "{:.2f}")])
        ),
    }
    return (
        {key: value if line.first else "" for key, value in row.items()}
        | ({"metric": words(line.metric)} if several else {})
        | {
            "reported": f"{line.reported:.2f}",
            "here": spread(result),
            "n": here.n if here else "",
            "difference": _number(result and result.difference, "+.2f"),
            "95 % interval": interval(result),
        }
        | {key: value if line.first else "" for key, value in rest.items()}
    )


def _disagreement(table: Table) -> list[str]:
    if not table.against_paper:
        return [verdict(table)] if table.comparisons else []
    return [f"**{verdict(table)}**\n", *(f"- {text}" for text in disagreements(table))]


def _provenance(tables: list[Table]) -> str:
    devices = sorted({device for table in tables for device in table.devices})
    data = sorted({name for table in tables for name in table.data})
    scale = tables[0].scale
    return (
        f"**Scale: {scale}** - {meaning(scale)}.\n\n"
        f"**Device: {'; '.join(devices) or 'none'}.** Data: {'; '.join(data) or 'none'}. "
        f"Source: {tables[0].commit}.\n"
    )


def _number(value: float | None, form: str, reported: float | None = None) -> str:
    text = "-" if value is None else f"{value:{form}}"
    return text if reported is None else f"{text} [{reported:g}]"


def _giga(value: float | None) -> float | None:
    return None if value is None else value / 1e9
