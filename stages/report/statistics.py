"""Mean, spread and interval over seeds; whether methods come in the paper's order."""

from __future__ import annotations

import itertools
import math
import statistics
from typing import Any

from scipy.special import stdtrit

from stages.report.settings import row_label

PLACES = ("row", "ahead_in_paper", "behind_in_paper")  # of a comparison


def mean(values: list[float]) -> float:
    return statistics.fmean(values)


def deviation(values: list[float]) -> float | None:
    """Sample standard deviation (n - 1 in the denominator); None for one value."""
    return statistics.stdev(values) if len(values) > 1 else None


def interval95(values: list[float]) -> list[float] | None:
    """Student's 95 % confidence interval of the mean, [low, high]; None for fewer than three."""
    count = len(values)
    if count < 3:
        return None
    half = float(stdtrit(count - 1, 0.975)) * statistics.stdev(values) / math.sqrt(count)
    return [mean(values) - half, mean(values) + half]


def best(metric: str, values: list[float]) -> float:
    """The lowest error, or the highest of any other metric."""
    return min(values) if "error" in metric else max(values)


def of_metric(number: Any, metric: str) -> Any:
    """A number of a table with several metrics is a mapping from metric to number."""
    return number[metric] if isinstance(number, dict) else number


def comparisons(metrics: list[str], rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Every pair of reproduced rows that the paper orders: metric, ahead_in_paper,
    behind_in_paper, agrees.

    Rows are compared within a batch size; rows that the paper has equal are no pair. A metric named
    `..._difference` compares two methods in one row: there the sign must agree, and the entry has
    `row` in place of the two.
    """
    made = [row for row in rows if row["reproduced"]]
    found = []
    for metric in metrics:
        places = [(row.get("batch_size"), _place(row, metric)) for row in made]
        if metric.endswith("_difference"):
            found += [
                {"metric": metric, "row": place, "agrees": place["reported"] * place["mean"] > 0}
                for _, place in places
            ]
            continue
        better = -1 if "error" in metric else 1
        for (size_1, one), (size_2, two) in itertools.combinations(places, 2):
            if size_1 != size_2 or one["reported"] == two["reported"]:
                continue
            behind, ahead = sorted((one, two), key=lambda place: better * place["reported"])
            agrees = better * (ahead["mean"] - behind["mean"]) > 0
            entry = {"metric": metric, "ahead_in_paper": ahead, "behind_in_paper": behind}
            found.append(entry | {"agrees": agrees})
    return found


def ordering(metrics: list[str], rows: list[dict[str, Any]]) -> dict[str, Any]:
    """How many comparisons there are, how many agree with the paper, and those that do not."""
    found = comparisons(metrics, rows)
    against = [
        {key: value for key, value in entry.items() if key != "agrees"}
        for entry in found
        if not entry["agrees"]
    ]
    return {"pairs": len(found), "agree": len(found) - len(against), "against_paper": against}


def agreement(found: list[dict[str, Any]], metric: str, label: str) -> tuple[int, int]:
    """(agreeing, all) of the comparisons in which the row `label` takes part."""
    own = [
        entry["agrees"]
        for entry in found
        if entry["metric"] == metric
        and label in (entry[key]["row"] for key in PLACES if key in entry)
    ]
    return sum(own), len(own)


def apart(entry: dict[str, Any]) -> bool:
    """Whether the two means are further apart than the larger of their deviations."""
    ahead, behind = entry["ahead_in_paper"], entry["behind_in_paper"]
    return max(ahead["std"] or 0, behind["std"] or 0) < abs(ahead["mean"] - behind["mean"])


def _place(row: dict[str, Any], metric: str) -> dict[str, Any]:
    found = row["reproduced"]
    return {
        "row": row_label(row),
        "reported": of_metric(row["reported"], metric),
        "mean": of_metric(found["mean"], metric),
        "std": of_metric(found["std"], metric),
        "n": found["n"],
    }
