"""The study's page in the documentation: docs/study.md, from what a finished study measured.

  python -m stages.report.published .         of the finished study in this folder
  python -m stages.report.published --again   the page alone, from docs/study/ as it is

Writes docs/study/: study.csv (every answer), a figure per question and unit (SVG), and origin.json:
the commit, the date, the machine, the command, the number of runs and their hours. Then
docs/study.md from them. Until a study has been published, the page says so, and holds no number.
"""

from __future__ import annotations

import argparse
import csv
import datetime
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nassl.files import InputError, read_json, write_json
from stages.report.evidence.provenance import machine
from stages.report.evidence.runs import Evidence, read_evidence
from stages.report.figures.study import study_figures
from stages.report.numbers.study.answers import Answer, of
from stages.report.text.study import COLUMNS, from_records, sections, study_records
from stages.report.text.study_page import study_page
from stages.report.write import write_csv
from stages.runs.command import refusals
from stages.runs.run import PLAN

DOCS = Path("docs")
FOLDER, PAGE = "study", "study.md"
REFUSED = "smoke"  # a scale whose numbers mean nothing
# Colours of the report's light page: an image in a README knows no style sheet.
STYLE = (
    "<style>svg{background:#fff;font:11.5px system-ui,sans-serif}text{fill:#555}"
    ".label{fill:#222}.grid{stroke:#e3e3e3;fill:none}.rule{stroke:#777;stroke-dasharray:3 3;"
    "fill:none}.dot{fill:currentColor}.span{fill:none;stroke:currentColor}.s1{color:#1b66b3}"
    ".s2{color:#b8500f}.ink{color:#333}</style>"
)


@dataclass(frozen=True)
class Published:
    """What is in docs/study/."""

    answers: list[Answer]
    origin: dict[str, Any]


def publish(project: Path, docs: Path) -> None:
    """From `project` to `docs`. Raises InputError if the project has no finished study, or one of
    which nothing should be published."""
    found = project / "results" / "tables" / "study.json"
    if not found.exists():
        raise InputError(f"{found} is missing; finish a study first: `make study`")
    content = read_json(found)
    if content["scale"] == REFUSED:
        raise InputError(
            f"{found} is of the {REFUSED} scale, whose numbers mean nothing; run `make study`"
        )
    answers = from_records(_written(found.with_suffix(".csv")))
    evidence = read_evidence(project / "results", project / PLAN)
    folder = docs / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for file in [*folder.glob("*.svg"), *folder.glob("*.csv")]:
        file.unlink()
    write_csv(folder / "study.csv", COLUMNS, study_records(answers))
    for name, svg in figures(answers).items():
        (folder / name).write_text(svg, encoding="utf-8")
    write_json(folder / "origin.json", _origin(project, content, evidence))
    write_page(docs)


def write_page(docs: Path) -> None:
    (docs / PAGE).write_text(page(docs), encoding="utf-8")


def page(docs: Path) -> str:
    """docs/study.md, from what is in docs/study/."""
    found = read_published(docs / FOLDER)
    if found is None:
        return study_page()
    return study_page(sections(found.answers), found.origin, list(figures(found.answers)))


def read_published(folder: Path) -> Published | None:
    """None if nothing has been published."""
    if not (folder / "study.csv").exists():
        return None
    return Published(
        from_records(_written(folder / "study.csv")), read_json(folder / "origin.json")
    )


def figures(answers: Sequence[Answer]) -> dict[str, str]:
    """File name -> SVG that needs no page around it."""
    return {
        f"{section.letter}-{unit}.svg": _alone(svg)
        for section in sections(answers)
        for unit, svg in study_figures(of(answers, section.letter))
    }


def _alone(svg: str) -> str:
    opened = svg.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    return opened.replace("</desc>", f"</desc>{STYLE}", 1) + "\n"


def _origin(project: Path, content: dict[str, Any], evidence: Evidence) -> dict[str, Any]:
    """Where the numbers come from. The commit is that of the tables."""
    costs = [
        cost for stage, runs in evidence.lines.items() for run in runs
        if (cost := evidence.cost(stage, run))
    ]  # fmt: skip
    header = (project / PLAN).read_text(encoding="utf-8").partition("\n")[0]
    return {
        "commit": content["commit"],
        "date": datetime.datetime.now(tz=datetime.UTC).date().isoformat(),
        "scale": content["scale"],
        "plan": header.rpartition("by `")[2].rstrip("`"),
        "command": "snakemake --profile workflow/profiles/local",
        "runs": sum(len(runs) for runs in evidence.lines.values()),
        "hours": round(sum(cost.seconds for cost in costs) / 3600, 2),
        "devices": sorted({cost.device for cost in costs}),
        "machine": machine(),
    }


def _written(file: Path) -> list[dict[str, Any]]:
    with file.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m stages.report.published",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("project", type=Path, nargs="?", help="a folder with a finished study")
    what.add_argument("--again", action="store_true", help="the page alone")
    parser.add_argument("--docs", type=Path, default=DOCS, metavar="FOLDER")
    argv = list(sys.argv[1:] if argv is None else argv)
    if not argv:
        parser.print_help()
        return
    arguments = parser.parse_args(argv)
    with refusals("published"):
        if arguments.again:
            write_page(arguments.docs)
        else:
            publish(arguments.project, arguments.docs)
        print(f"{arguments.docs / PAGE}; to check it: git diff {shlex.quote(str(arguments.docs))}")


if __name__ == "__main__":
    main()
