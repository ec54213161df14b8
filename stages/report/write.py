"""The folder results/tables: JSON, CSV and Markdown per table, the headline, all tables on one
page, series for plots, and of your own images the best network."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from nassl.files import write_json
from stages.report.numbers.decisions import Decision
from stages.report.numbers.headline import headline
from stages.report.numbers.own import NETWORK, OwnTable
from stages.report.numbers.own_boxes import BoxesTable
from stages.report.numbers.rows import Table
from stages.report.numbers.series import Series
from stages.report.numbers.study.answers import Answer
from stages.report.text.decisions import in_markdown
from stages.report.text.markdown import index, single
from stages.report.text.own import BEST, own_page
from stages.report.text.own_boxes import boxes_page, boxes_verdict
from stages.report.text.own_boxes_records import boxes_headline, boxes_json, boxes_lines
from stages.report.text.own_verdict import Verdict
from stages.report.text.records import own_headline, own_json, own_lines, table_json, table_lines
from stages.report.text.study import COLUMNS, study_markdown, study_records

OWN, BOXES, STUDY = "own", "own_boxes", "study"
FORMATS = ("json", "csv", "md")


def write_tables(
    tables: list[Table],
    known: Iterable[str],
    out: Path,
    own: OwnTable | None = None,
    found: Verdict | None = None,
    decisions: Sequence[Decision] = (),
    boxes: BoxesTable | None = None,
) -> None:
    """`<paper>.<table>.{json,csv,md}`, metrics.json and index.md in the folder `out`; of the
    `known` tables, those of an earlier plan that this one does not have are removed. `own` with
    what was `found` of it and `boxes` join the last two, `decisions` the last."""
    out.mkdir(parents=True, exist_ok=True)
    _remove(out, set(known) - {table.name for table in tables})
    for table in tables:
        write_json(out / f"{table.name}.json", table_json(table))
        lines = table_lines(table)
        write_csv(out / f"{table.name}.csv", list(lines[0]), lines)
        (out / f"{table.name}.md").write_text(single(table), encoding="utf-8")
    mine = {OWN: own_headline(own)} if own else {}
    mine |= {BOXES: boxes_headline(boxes)} if boxes else {}
    write_json(out / "metrics.json", headline(tables) | mine)
    pages = ([index(tables)] if tables else []) + ([own_page(own, found)] if own else [])
    pages += [boxes_page(boxes, boxes_verdict(boxes))] if boxes else []
    pages += [in_markdown(decisions)] if decisions else []
    (out / "index.md").write_text("\n".join(pages), encoding="utf-8")


def write_own(
    table: OwnTable | None, results: Path, out: Path, found: Verdict | None = None
) -> None:
    """`own.{json,csv,md}` and `best/`: what `nassl.load` reads, and network.json (which run it is,
    and its losses). Without a table, those of an earlier plan are removed."""
    shutil.rmtree(out / BEST, ignore_errors=True)
    _remove(out, [OWN])
    if table is None:
        return
    write_json(out / f"{OWN}.json", own_json(table))
    (out / f"{OWN}.md").write_text(own_page(table, found), encoding="utf-8")
    lines = own_lines(table)
    write_csv(out / f"{OWN}.csv", list(lines[0]), lines)
    if best := table.best:
        (out / BEST).mkdir()
        for name in NETWORK:
            shutil.copyfile(results / best.run / name, out / BEST / name)
        write_json(out / BEST / "network.json", asdict(best))


def write_boxes(table: BoxesTable | None, out: Path) -> None:
    """`own_boxes.{json,csv,md}`; without a table, those of an earlier plan are removed."""
    _remove(out, [BOXES])
    if table is None:
        return
    write_json(out / f"{BOXES}.json", boxes_json(table))
    lines = boxes_lines(table)
    write_csv(out / f"{BOXES}.csv", list(lines[0]), lines)
    text = boxes_page(table, boxes_verdict(table))
    (out / f"{BOXES}.md").write_text(text, encoding="utf-8")


def write_study(answers: Sequence[Answer], scale: str, commit: str, out: Path) -> None:
    """`study.{json,csv,md}`; without answers, those of an earlier plan are removed."""
    _remove(out, [STUDY])
    if not answers:
        return
    records = study_records(answers)
    write_json(out / f"{STUDY}.json", {"scale": scale, "commit": commit, "answers": records})
    write_csv(out / f"{STUDY}.csv", COLUMNS, records)
    text = f"# The study ({scale} scale)\n\n{study_markdown(answers)}"
    (out / f"{STUDY}.md").write_text(text, encoding="utf-8")


def write_series(found: Iterable[Series], out: Path) -> None:
    """A CSV file each; only the header where there is nothing."""
    out.mkdir(parents=True, exist_ok=True)
    for one in found:
        write_csv(out / f"{one.name}.csv", one.columns, one.lines)


def write_csv(path: Path, columns: Sequence[str], lines: Iterable[Mapping[str, Any]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)


def _remove(out: Path, names: Iterable[str]) -> None:
    for name in names:
        for ending in FORMATS:
            (out / f"{name}.{ending}").unlink(missing_ok=True)
