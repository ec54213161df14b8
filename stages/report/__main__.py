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
         own_boxes.*   of a plan for your own boxes: precisions of the detectors and of each class
         study.{json,csv,md}   of a plan of the study: every answer with its estimate, 95 %
                       interval, n, claim and verdict
         own.*, best/  of a plan for your own images: the table with its verdict, and the best
                       network in a folder that `nassl.load` opens; without a paper's table, the
                       page is about your images alone

With --trace <table>/<row>, nothing is written: the runs, files and hashes behind the row's numbers
are printed, in lines of which `sha256sum --check` understands those with a hash.

Example: python -m stages.report --results results --out results/tables --page results/report.html
         python -m stages.report --trace 'ssnas.table4/SSNAS (first order), batch size 64'
Time:    seconds.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from stages.report.evidence.asked import read_report
from stages.report.evidence.provenance import commit, plan_hash
from stages.report.evidence.reported import read_reported
from stages.report.evidence.runs import read_evidence
from stages.report.expected import compare
from stages.report.numbers.decisions import decisions
from stages.report.numbers.headline import counts, headline
from stages.report.numbers.own import collect_own
from stages.report.numbers.own_boxes import collect_boxes
from stages.report.numbers.own_training import best_trend
from stages.report.numbers.series import series
from stages.report.numbers.study.questions import answers
from stages.report.numbers.tables import collect
from stages.report.numbers.trace import trace
from stages.report.numbers.verdicts import AGREES, DISAGREES
from stages.report.own_page import own_page
from stages.report.page import page
from stages.report.text.own_boxes import boxes_verdict
from stages.report.text.own_verdict import verdict
from stages.report.text.trace import trace_text
from stages.report.write import write_boxes, write_own, write_series, write_study, write_tables
from stages.runs.command import refusals
from stages.runs.run import PLAN

REPORTED = Path("workflow/report/paper_tables.yaml")


def report(
    results: Path, reported: Path, out: Path, html: Path | None = None, plan: Path = PLAN
) -> None:
    """All is collected before anything is written. Raises SettingsError on a plan that does not fit
    the papers' tables, InputError naming the run that is missing or has no usable value, or the
    file that is not what its stage wrote."""
    known, asked = read_reported(reported), read_report(plan)
    source = commit()
    evidence = read_evidence(results, plan)
    tables = collect(asked, known, evidence, source)
    own = collect_own(asked.own, asked.scale, evidence, source) if asked.own else None
    found = verdict(own, best_trend(own, evidence)) if own else None
    boxes = collect_boxes(asked.boxes, asked.scale, evidence, source) if asked.boxes else None
    study = answers(asked.study, evidence) if asked.study else []
    comparison = compare(headline(tables), plan, reported.with_name("expected"))
    if own and not tables and not study:
        text = own_page(own, found, evidence, asked, source, plan, boxes)
    else:
        text = page(tables, evidence, asked, source, plan, own, found, comparison, boxes, study)
    curves = series(tables, evidence)
    write_tables(tables, known, out, own, found, decisions(asked, evidence), boxes)
    write_own(own, results, out, found)
    write_boxes(boxes, out)
    write_study(study, asked.scale, source, out)
    write_series(curves, out / "plots")
    if html:
        html.write_text(text, encoding="utf-8")
    if comparison:
        print(comparison.text, file=sys.stderr if comparison.left else sys.stdout)
    where = html or out / "index.md"
    if found:
        print(f"Your own images: {found.headline} {'' if tables else where}".rstrip())
    if boxes:
        print(f"Your own boxes: {boxes_verdict(boxes).headline}")
    if study:
        known = sum(answer.verdict in (AGREES, DISAGREES) for answer in study)
        claims = sum(bool(answer.claim) for answer in study)
        print(f"The study: {known} of {claims} claims can be told: {where}")
    if tables:
        total = sum(len(table.rows) for table in tables)
        made = counts(tables).made
        print(f"{made} of {total} rows in {len(tables)} tables reproduced: {where}")


def print_trace(name: str, results: Path, reported: Path, plan: Path = PLAN) -> None:
    """What is behind the row `<table>/<row>`. Raises as `report`, and SettingsError naming the
    tables or rows that there are."""
    known, asked = read_reported(reported), read_report(plan)
    found = trace(name, asked, known, read_evidence(results, plan))
    print(trace_text(found, plan.as_posix(), plan_hash(plan)))


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m stages.report",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--results", type=Path, default=Path("results"), metavar="FOLDER")
    parser.add_argument("--reported", type=Path, default=REPORTED, metavar="FILE")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--out", type=Path, metavar="FOLDER", help="made if missing")
    what.add_argument(
        "--trace", metavar="TABLE/ROW", help="ssnas.table4/<row>, own/<row>, own_boxes/<row>"
    )
    parser.add_argument("--page", type=Path, metavar="FILE", help="HTML; not written if left out")
    argv = list(sys.argv[1:] if argv is None else argv)
    if not argv:
        parser.print_help()
        return
    arguments = parser.parse_args(argv)
    with refusals("report"):
        if arguments.trace:
            print_trace(arguments.trace, arguments.results, arguments.reported)
        else:
            report(arguments.results, arguments.reported, arguments.out, arguments.page)


if __name__ == "__main__":
    main()
