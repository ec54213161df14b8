"""The few numbers that `dvc metrics show` and `dvc exp show` print."""

from __future__ import annotations

import re
from typing import Any

from stages.report.settings import IDENTITY
from stages.report.statistics import mean


def headline(tables: list[dict[str, Any]]) -> dict[str, Any]:
    """paper -> table -> row -> mean in percent (or metric -> mean), and counts of rows.

    `ssl_gain`: linear accuracy of pretrained networks over that of the same networks with random
    weights: the mean over rows, and the share of rows in which it is above 1.
    """
    content: dict[str, Any] = {}
    rows = [row for table in tables for row in table["rows"]]
    for table in tables:
        means = {slug(row): row["reproduced"]["mean"] for row in table["rows"] if row["reproduced"]}
        if means:
            content.setdefault(table["paper"], {})[table["table"]] = means
    content["rows_reproduced"] = sum(row["reproduced"] is not None for row in rows)
    content["rows_runnable"] = sum(row["status"] == "run" for row in rows)
    content["rows_quoted"] = sum(row["status"] == "quoted" for row in rows)
    if gains := [row["ssl_gain"] for row in rows if row["ssl_gain"] is not None]:
        share = sum(gain > 1 for gain in gains) / len(gains)
        content["ssl_gain"] = {"mean_ratio": mean(gains), "share_above": share, "rows": len(gains)}
    return content


def slug(row: dict[str, Any]) -> str:
    """`SSNAS-first-order-bs32`: a key without dots and spaces."""
    named = [row["row"]]
    for key in IDENTITY:
        if row.get(key) is not None:
            named.append(f"bs{row[key]}" if key == "batch_size" else str(row[key]))
    return re.sub(r"[^A-Za-z0-9]+", "-", " ".join(named)).strip("-")
