"""What the runs took: per stage, and per row of the tables with all runs it depends on."""

from __future__ import annotations

from typing import Any

from stages.report.evidence import STAGES, Evidence
from stages.report.settings import Report
from stages.runs.lines import upstream as read_by


def stage_costs(evidence: Evidence) -> list[dict[str, Any]]:
    """Per stage with runs: runs, how many of them left a cost, seconds, device_hours, devices."""
    found = []
    for stage in STAGES:
        runs = evidence.lines[stage]
        costs = [cost for run in runs if (cost := evidence.cost(stage, run))]
        if runs:
            found.append({"stage": stage, "runs": len(runs), "measured": len(costs), **_sum(costs)})
    return found


def cautions(evidence: Evidence) -> list[str]:
    """What the top of the page must say about where its runs were computed."""
    on_cpu, moved = [], []
    for stage in STAGES:
        gpus = evidence.plan.get("resources", {}).get(stage, {}).get("gpus", 0)
        for run in evidence.lines[stage]:
            cost = evidence.cost(stage, run)
            if cost and gpus and cost["device"] == "cpu":
                on_cpu.append(f"{stage}/{run}")
            if cost and "moves" in cost:
                moved.append(f"{stage}/{run} ({'; '.join(cost['moves'])})")
    found = []
    if on_cpu:
        found.append(
            f"The plan gives GPUs to runs that were computed on the CPU: {_some(on_cpu)}. Their "
            "costs are those of a CPU."
        )
    if moved:
        found.append(
            f"Runs that continued from a checkpoint of another machine: {_some(moved)}. Bits may "
            "differ from those of an uninterrupted run."
        )
    return found


def _some(names: list[str], shown: int = 3) -> str:
    more = len(names) - shown
    return ", ".join(names[:shown]) + (f" and {more} more" if more > 0 else "")


def row_costs(evidence: Evidence, report: Report) -> list[dict[str, Any]]:
    """Per planned row: the runs that it depends on and what they took. Runs that several rows
    depend on count in each."""
    found = []
    for table, rows in report.tables.items():
        for row in rows:
            runs: set[str] = set()
            for run in [*row.runs, *row.minus]:
                runs |= upstream(evidence, run)
            costs = {run: evidence.cost(*run.split("/", 1)) for run in sorted(runs)}
            groups = {
                name: _sum([cost for run, cost in costs.items() if cost and stage_of(run) in kinds])
                for name, kinds in (
                    ("search", ("search",)),
                    ("selection", ("score", "select")),
                    ("training", ("retrain", "pretrain", "probe", "transfer")),
                )
            }
            total = _sum([cost for cost in costs.values() if cost])
            found.append({"table": table, "row": row.label, "runs": len(runs), **groups, **total})
    return found


def stage_of(run: str) -> str:
    return run.partition("/")[0]


def upstream(evidence: Evidence, run: str) -> set[str]:
    """`<stage>/<run>` and all runs that it needs, as their lines in the plan say."""
    stage, name = run.split("/", 1)
    line = evidence.lines.get(stage, {}).get(name)
    if line is None:
        return set()
    found = {run}
    for other in read_by(stage, line):
        found |= upstream(evidence, other)
    return found


def _sum(costs: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "seconds": sum(cost["seconds"] for cost in costs),
        "device_hours": sum(cost["gpu_days"] for cost in costs) * 24,
        "devices": ", ".join(sorted({cost["device"] for cost in costs})),
    }


def duration(seconds: float) -> str:
    """`0 s`, `42 s`, `12 min`, `3.4 h`, `51 d`: two digits are enough to compare."""
    if seconds < 0.05:
        return "0 s"
    for unit, size, limit in (("s", 1, 120), ("min", 60, 7200), ("h", 3600, 172800)):
        if seconds < limit:
            amount = seconds / size
            return f"{amount:.1f} {unit}" if amount < 10 else f"{amount:.0f} {unit}"
    return f"{seconds / 86400:.1f} d"
