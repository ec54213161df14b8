"""The tables in Markdown: one by one, and all on one page."""

from __future__ import annotations

from typing import Any

from tabulate import tabulate

from stages.report.headline import headline
from stages.report.settings import IDENTITY, row_label
from stages.report.tables import EXTRAS, lines
from stages.report.wording import (
    SCALES,
    TRAINING,
    disagreements,
    interval,
    metrics_of,
    spread,
    title,
)


def index(tables: list[dict[str, Any]]) -> str:
    """All tables on one page; scale, device and what disagrees with the papers come first."""
    numbers = headline(tables)
    text = ["# The papers' tables: reported and reproduced\n", _provenance(tables)]
    text.append(
        f"{numbers['rows_reproduced']} of {numbers['rows_runnable']} runnable rows reproduced; "
        f"{numbers['rows_quoted']} rows are quoted by the papers from elsewhere and only shown.\n"
    )
    notes = [row["note"] for table in tables for row in table["rows"] if row["reproduced"]]
    text += [f"**{note}.**\n" for note in dict.fromkeys(notes) if note]
    if gain := numbers.get("ssl_gain"):
        text.append(
            f"A linear classifier on the pretrained networks reaches on average "
            f"{gain['mean_ratio']:.2f} times the accuracy of one on the same networks with random "
            f"weights; it is above in {gain['share_above'] * gain['rows']:.0f} of {gain['rows']} "
            f"rows.\n"
        )
    pairs = sum(table["ordering"]["pairs"] for table in tables)
    agree = sum(table["ordering"]["agree"] for table in tables)
    if pairs:
        text.append(f"Methods come in the paper's order in {agree} of {pairs} comparisons.\n")
    text.append(
        "Values are percentages: mean ± sample standard deviation over n seeds, none left out; the "
        "best of several searches is in brackets, as FaUNAE reports it; the "
        "95 % interval (Student's t) is given from 3 seeds on. Difference = here - reported. Bold: "
        "the paper's own method. Search cost: device-days of all the searches that it took, whose "
        f"number follows. {TRAINING} "
        "Parameters and FLOPs (multiply-adds of one image) are those of the backbone, without "
        "classifier or head. Untrained: the same network with random weights.\n"
    )
    for table in tables:
        text.append(f"## {title(table)}\n\n{page(table)}")
    return "\n".join(text)


def single(table: dict[str, Any]) -> str:
    """A page with one table."""
    return f"# {title(table)}\n\n{_provenance([table])}\n{page(table)}"


def page(table: dict[str, Any]) -> str:
    """The table in Markdown and, below it, what comes out in another order than in the paper."""
    keys = [key for key in IDENTITY if any(key in row for row in table["rows"])]
    several = isinstance(table["metric"], list)
    cells, former = [], None
    for line in lines(table):
        first = (row := row_label(line)) != former
        former = row
        own = {"row": f"**{line['row']}**" if line["ours"] else line["row"]}
        own |= {key.replace("_", " "): line[key] for key in keys}
        rest = {
            "params (M)": _number(line["params_million"], ".3g", line["reported_params_million"]),
            "GFLOPs": _number(_giga(line["flops"]), ".3g", _giga(line["reported_flops"])),
            "search (device-days)": _number(
                line["search_device_days"], ".2g", line["reported_search_gpu_days"]
            ),
            "training (s)": _number(line["training_seconds"], ".0f"),
            "searches": line["search_count"] or "-",
            "note": "; ".join(filter(None, [line["note"], _source(line), _extras(line)])),
        }
        cells.append(
            {key: value if first else "" for key, value in own.items()}
            | ({"metric": line["metric"].replace("_", " ")} if several else {})
            | {
                "reported": f"{line['reported']:.2f}",
                "here": spread(line)
                + ("" if line["best"] is None else f" (best {line['best']:.2f})"),
                "n": line["n"] or "",
                "difference": _number(line["difference"], "+.2f"),
                "95 % interval": interval(line),
            }
            | {key: value if first else "" for key, value in rest.items()}
        )
    caption = (
        f"{metrics_of(table)}. Where two numbers share a cell, the reported one is in brackets."
    )
    body = tabulate(cells, headers="keys", tablefmt="github", disable_numparse=True)
    return "\n".join([caption + "\n", body + "\n", *_disagreement(table), ""])


def _disagreement(table: dict[str, Any]) -> list[str]:
    order = table["ordering"]
    if not order["pairs"]:
        return []
    if not order["against_paper"]:
        return [f"Ordering as in the paper in all {order['pairs']} comparisons."]
    return [
        f"**The ordering differs from the paper's in {len(order['against_paper'])} of "
        f"{order['pairs']} comparisons:**\n",
        *(f"- {text}" for text in disagreements(table)),
    ]


def _provenance(tables: list[dict[str, Any]]) -> str:
    scale, rows = tables[0]["scale"], [row for table in tables for row in table["rows"]]

    def named(key: str) -> str:
        return "; ".join(sorted({row[key] for row in rows if row[key]})) or "none"

    meaning = SCALES.get(scale, "a custom scale: see params.yaml for its settings")
    return (
        f"**Scale: {scale}** - {meaning}.\n\n"
        f"**Device: {named('device')}.** Data: {named('data')}. Source: {tables[0]['commit']}.\n"
    )


def _source(line: dict[str, Any]) -> str:
    """Where the paper has a number from that is not its own."""
    return f"reported number: {line['number_from']}" if line["number_from"] else ""


def _extras(line: dict[str, Any]) -> str:
    """What was measured besides the table's metrics, in percent."""
    found = [(key.replace("_", " "), line[key]) for key in EXTRAS if line[key] is not None]
    return "; ".join(f"{key} {value:.2f}" for key, value in found)


def _number(value: float | None, form: str, reported: float | None = None) -> str:
    text = "-" if value is None else f"{value:{form}}"
    return text if reported is None else f"{text} [{reported:g}]"


def _giga(value: float | None) -> float | None:
    return None if value is None else value / 1e9
