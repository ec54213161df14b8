"""The page's curves and points as CSV, for `dvc plots show` and `dvc plots diff` (see dvc.yaml)."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from stages.report.curves import QUANTITIES
from stages.report.evidence import Evidence
from stages.report.prediction import questions
from stages.report.settings import row_label
from stages.report.statistics import of_metric

Row = dict[str, Any]


def write_series(tables: list[dict[str, Any]], evidence: Evidence, out: Path) -> None:
    """searches.csv (a line per run and epoch), rows.csv (per row and metric), scores.csv (per
    scored and fully trained architecture); only the header where the plan has nothing."""
    columns = ["method", "data", "run", "epoch", *QUANTITIES]
    _write(out / "searches.csv", columns, _searches(evidence))
    columns = ["panel", "table", "row", "metric", "seed", "percent", "reported"]
    _write(out / "rows.csv", columns, _rows(tables))
    columns = ["criterion", "outcome", "compared", "architecture", "score", "percent"]
    _write(out / "scores.csv", columns, _scores(evidence))


def _searches(evidence: Evidence) -> list[Row]:
    rows = []
    for run, line in evidence.lines["search"].items():
        epochs: dict[float, Row] = {}
        for name in QUANTITIES:
            for epoch, value in evidence.curve("search", run, name):
                epochs.setdefault(epoch, {})[name] = value
        named = {"method": evidence.method("search", run), "data": line["data"], "run": run}
        rows += [named | {"epoch": epoch} | values for epoch, values in sorted(epochs.items())]
    return rows


def _rows(tables: list[dict[str, Any]]) -> list[Row]:
    rows = []
    for table in tables:
        metrics = table["metric"] if isinstance(table["metric"], list) else [table["metric"]]
        for row in table["rows"]:
            for seed, entry in enumerate(row["seeds"]):
                rows += [
                    {
                        "panel": f"{table['paper']} {table['table']}, {metric}",
                        "table": f"{table['paper']} {table['table']}",
                        "row": row_label(row),
                        "metric": metric,
                        "seed": seed,
                        "percent": of_metric(entry["value"], metric),
                        "reported": of_metric(row["reported"], metric),
                    }
                    for metric in metrics
                ]
    return rows


def _scores(evidence: Evidence) -> list[Row]:
    return [
        {
            "criterion": question.criterion,
            "outcome": question.metric,
            "compared": stratum,
            "architecture": point.name,
            "score": point.score,
            "percent": 100 * point.mean,
        }
        for question in questions(evidence)
        for stratum, points in question.strata.items()
        for point in points
    ]


def _write(path: Path, columns: list[str], rows: list[Row]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
