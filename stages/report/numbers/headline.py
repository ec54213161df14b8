"""The few numbers that `dvc metrics show` and `dvc exp show` print: results/tables/metrics.json."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from stages.report.evidence.reported import ReportedRow, identity
from stages.report.numbers.rows import Table
from stages.report.numbers.statistics import mean


@dataclass(frozen=True)
class Counts:
    """Rows of tables: made here, that can be made, and only quoted by the papers."""

    made: int
    runnable: int
    quoted: int


@dataclass(frozen=True)
class Gain:
    """Linear accuracy of pretrained networks over that of the same networks with random weights:
    the mean over `rows`, and the share of rows in which it is above 1."""

    mean_ratio: float
    share_above: float
    rows: int

    @property
    def rows_above(self) -> int:
        return round(self.share_above * self.rows)


def counts(tables: Iterable[Table]) -> Counts:
    rows = [row for table in tables for row in table.rows]
    return Counts(
        made=sum(row.here is not None for row in rows),
        runnable=sum(row.reported.status == "run" for row in rows),
        quoted=sum(row.reported.status == "quoted" for row in rows),
    )


def gain(tables: Iterable[Table]) -> Gain | None:
    """None if no row has pretrained networks."""
    found = [row.here.ssl_gain for table in tables for row in table.made]
    if not (gains := [ratio for ratio in found if ratio is not None]):
        return None
    return Gain(mean(gains), sum(ratio > 1 for ratio in gains) / len(gains), len(gains))


def headline(tables: list[Table]) -> dict[str, Any]:
    """paper -> table -> row -> `<metric>_percent` -> mean, and counts of rows. What `dvc metrics
    show` prints has no heading: the key says what the number is."""
    content: dict[str, Any] = {}
    for table in tables:
        means = {
            slug(row.reported): {
                in_percent(metric): found.mean for metric, found in row.here.results.items()
            }
            for row in table.made
        }
        if means:
            content.setdefault(table.paper.paper, {})[table.paper.table] = means
    rows = counts(tables)
    content |= {
        "rows_reproduced": rows.made, "rows_runnable": rows.runnable, "rows_quoted": rows.quoted,
    }  # fmt: skip
    if found := gain(tables):
        content["ssl_gain"] = asdict(found)
    return content


def in_percent(metric: str) -> str:
    """The key of a metric's value in percent; where a stage writes it, it is a fraction."""
    return f"{metric}_percent"


def of_metrics(values: dict[str, Any]) -> Any:
    """As the files have it: the value itself where the table has one metric, else the mapping."""
    return values if len(values) > 1 else next(iter(values.values()))


def slug(row: ReportedRow) -> str:
    """`SSNAS-first-order-bs32`: a key without dots and spaces."""
    named = [row.row]
    for key, value in identity(row).items():
        named.append(f"bs{value}" if key == "batch_size" else str(value))
    return re.sub(r"[^A-Za-z0-9]+", "-", " ".join(named)).strip("-")
