"""The files of the report: JSON, CSV and Markdown per table, the headline and the page of all."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nassl.files import write_json
from stages.report.decisions import in_markdown
from stages.report.headline import headline
from stages.report.markdown import index, single
from stages.report.own import own_headline, own_page
from stages.report.tables import lines

FORMATS = ("json", "csv", "md")


def write_tables(
    tables: list[dict[str, Any]],
    reported: dict[str, Any],
    out: Path,
    own: dict[str, Any] | None = None,
    decisions: Sequence[dict[str, str]] = (),
) -> None:
    """`<paper>.<table>.{json,csv,md}`, metrics.json and index.md in the folder `out`; tables of an
    earlier plan that this one does not have are removed. `own` joins the last two,
    `decisions` the last."""
    out.mkdir(parents=True, exist_ok=True)
    written = {f"{table['paper']}.{table['table']}" for table in tables}
    for name in {f"{paper}.{table}" for paper in reported for table in reported[paper]} - written:
        for ending in FORMATS:
            (out / f"{name}.{ending}").unlink(missing_ok=True)
    for table in tables:
        name = f"{table['paper']}.{table['table']}"
        write_json(out / f"{name}.json", table)
        write_csv(out / f"{name}.csv", table)
        (out / f"{name}.md").write_text(single(table), encoding="utf-8")
    mine = {"own": own_headline(own)} if own else {}
    write_json(out / "metrics.json", headline(tables) | mine)
    pages = ([index(tables)] if tables else []) + ([own_page(own)] if own else [])
    pages += [in_markdown(decisions)] if decisions else []
    (out / "index.md").write_text("\n".join(pages), encoding="utf-8")


def write_csv(path: Path, table: dict[str, Any]) -> None:
    """One line per row and metric."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(lines(table)[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines(table))
