"""Report: every table of the papers, reported beside reproduced.

Inputs:  --results   the folder with the runs that the plan's section `report` names: metrics.json
                     (fractions) and cost.json of each
         --reported  what the papers report (workflow/report/paper_tables.yaml); in expected/
                     beside it what a run of a scale is expected to give
Outputs: <paper>.<table>.json, .csv, .md   every row of every table of the plan's papers: reported
                     value, mean, sample standard deviation and n over seeds, difference, 95 %
                     interval, params, FLOPs, search cost, training time, scale, device, data,
                     commit. Quoted rows are marked; a runnable row that the plan lacks says so.
                     In percent. A number is a number where the table has one metric, and a mapping
                     from metric to number where it has several.
         metrics.json  headline: mean per row, counts of rows, gain of pretraining
         index.md      all tables on one page
         plots/        curves, rows and scores as CSV, for `dvc plots`
         --page        all of it on one self-contained page (HTML), with drawings of architectures,
                       curves, margins, scores against results, cost and provenance
         own.*, best/  of a plan for your own images: the table, and the best network in a folder
                       that `nassl.load` opens

Example: python -m stages.report --results results --out results/tables --page results/report.html
Time:    seconds.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from stages.report.evidence import read_evidence
from stages.report.expected import compare
from stages.report.headline import headline
from stages.report.own import collect_own, write_own
from stages.report.page import page
from stages.report.provenance import commit
from stages.report.series import write_series
from stages.report.settings import read_report, read_reported
from stages.report.shown_data import note_leaks
from stages.report.tables import collect
from stages.report.write import write_tables
from stages.runs.command import refusals
from stages.runs.run import PLAN

REPORTED = Path("workflow/report/paper_tables.yaml")
TEMPLATE = "report.html.j2"  # beside the reported values


def report(
    results: Path, reported: Path, out: Path, html: Path | None = None, plan: Path = PLAN
) -> None:
    """All is collected before anything is written. Raises SettingsError on a plan that does not fit
    the papers' tables, InputError naming the run that is missing or has no usable value, or the
    file that is not what its stage wrote."""
    papers, asked = read_reported(reported), read_report(plan)
    source = commit()
    evidence = read_evidence(results, plan)
    tables = collect(asked, papers, results, source)
    own = collect_own(asked.own, asked.scale, results, source) if asked.own else None
    note_leaks(tables, own, evidence)
    comparison = compare(headline(tables), plan, reported.with_name("expected"))
    template = reported.with_name(TEMPLATE)
    text = page(tables, evidence, asked, source, plan, template, own, comparison)
    write_tables(tables, papers, out, own)
    write_own(own, results, out)
    write_series(tables, evidence, out / "plots")
    if html:
        html.write_text(text, encoding="utf-8")
    if comparison:
        print(comparison.text, file=sys.stderr if comparison.left else sys.stdout)
    rows = [row for table in tables for row in table["rows"]]
    made = sum(row["reproduced"] is not None for row in rows)
    print(
        f"{made} of {len(rows)} rows in {len(tables)} tables reproduced: {html or out / 'index.md'}"
    )


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m stages.report",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--results", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--reported", type=Path, default=REPORTED, metavar="FILE")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="made if missing")
    parser.add_argument("--page", type=Path, metavar="FILE", help="HTML; not written if left out")
    argv = list(sys.argv[1:] if argv is None else argv)
    if not argv:
        parser.print_help()
        return
    arguments = parser.parse_args(argv)
    with refusals("report"):
        report(arguments.results, arguments.reported, arguments.out, arguments.page)


if __name__ == "__main__":
    main()
