"""Sentences of the two papers that the results can answer: number, 95 % interval, verdict.

A claim holds if the interval lies on its side of the value that tells, does not if it lies on the
other, and cannot be told if the interval contains that value, or if there is none: too few seeds,
or rows that this plan has not made.
"""

from __future__ import annotations

import math
from typing import Any

from stages.report.claims_faunae import faunae_claims
from stages.report.evidence import Evidence
from stages.report.intervals import of_share
from stages.report.prediction import Question, interval, questions, tau_b
from stages.report.statistics import interval95, mean
from stages.report.verdicts import FAILS, HOLDS, NONE, OPEN, Claim, judged, percent, range_text

NEAR_ZERO = 0.01  # training error that counts as "near zero"


def claims(tables: list[dict[str, Any]], evidence: Evidence) -> list[Claim]:
    """All ten, in the order of the papers; those without any data are left out."""
    rows = {
        (f"{table['paper']}.{table['table']}", row["row"], row.get("method")): row
        for table in tables
        for row in table["rows"]
        if row["reproduced"]
    }
    made = (
        *_collapse(evidence),
        _margin(evidence),
        _training_error(evidence),
        *faunae_claims(rows, evidence),
    )
    return [claim for claim in made if claim is not None]


# ------------------------------------------------------------------ SSNAS ----


def _collapse(evidence: Evidence) -> list[Claim]:
    """Sec. 4.2, table 3, for every data set on which both have searched."""
    counts: dict[str, dict[bool, list[bool]]] = {}
    for run, line in evidence.lines["search"].items():
        metrics = evidence.metrics("search", run) or {}
        if "collapsed" in metrics and line.get("strategy") != "darts-second":
            kind = (evidence.plan.get("objective") or {}).get(line["objective"], {}).get("kind")
            of_data = counts.setdefault(line["data"], {True: [], False: []})
            of_data[kind == "supervised"].append(bool(metrics["collapsed"]))
    return [
        _collapse_on(data, found[True], found[False])
        for data, found in counts.items()
        if found[True] and found[False]
    ]


def _collapse_on(data: str, darts: list[bool], ssnas: list[bool]) -> Claim:
    one, two = (of_share(sum(found), len(found)) for found in (darts, ssnas))
    return Claim(
        "SSNAS sec. 4.2",
        f"DARTS collapses to skip connections and SSNAS does not, on {data}",
        f"{sum(darts)} of {len(darts)} DARTS searches, {sum(ssnas)} of {len(ssnas)} of SSNAS",
        f"{percent(one[0])} to {percent(one[1])}; {percent(two[0])} to {percent(two[1])}",
        HOLDS if one[0] > two[1] else FAILS if two[0] > one[1] else OPEN,
        "first-order searches with more than two skip connections in the normal cell",
    )


def _margin(evidence: Evidence) -> Claim | None:
    asked = questions(evidence, ["margin_mean"])
    if not asked:
        return None
    merged = Question("margin_mean", asked[0].stage, asked[0].metric, asked[0].strata)
    tau, found = tau_b(merged.signed()), interval(merged)
    return Claim(
        "SSNAS sec. 3.1",
        "A larger margin goes with better generalisation",
        "τ –" if math.isnan(tau) else f"Kendall's τ {tau:+.2f}",  # noqa: RUF001
        range_text(found),
        judged(found, 0.0),
        f"mean margin of {merged.architectures} architectures against {merged.metric}",
    )


def _training_error(evidence: Evidence) -> Claim | None:
    errors, gaps = [], []
    for run in evidence.lines["retrain"]:
        metrics = evidence.metrics("retrain", run) or {}
        if "train_accuracy" in metrics:
            errors.append(1 - metrics["train_accuracy"])
            gaps.append(metrics["train_accuracy"] - metrics["test_accuracy"])
    if not errors:
        return None
    above = [NEAR_ZERO - error for error in errors]  # positive: near zero
    found = interval95(above)
    return Claim(
        "SSNAS sec. 3.1",
        "All networks reach nearly zero training error; what differs is generalisation",
        f"training error {100 * mean(errors):.1f} %, gap to the test {100 * mean(gaps):.1f} points",
        NONE
        if found is None
        else range_text(tuple(100 * (NEAR_ZERO - x) for x in found[::-1]), "{:.1f}"),
        judged(None if found is None else (found[0], found[1]), 0.0),
        f"{len(errors)} retrained networks; nearly zero: {percent(NEAR_ZERO)}",
    )
