"""What the runs took: per stage, and per row of the tables with all runs it depends on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from stages.report.evidence.asked import Report
from stages.report.evidence.runs import STAGES, Cost, Evidence
from stages.runs.lines import upstream as read_by

FINDING = ("search", "score")  # stages that find architectures


@dataclass(frozen=True)
class Spent:
    """The sum over runs; the devices that they ran on."""

    seconds: float
    device_hours: float
    devices: str


@dataclass(frozen=True)
class StageCost:
    """Of a stage with runs; `measured` is how many of them left a cost."""

    stage: str
    runs: int
    measured: int
    spent: Spent


@dataclass(frozen=True)
class RowCost:
    """Of all `runs` that a row depends on."""

    table: str
    row: str
    runs: int
    search: Spent
    selection: Spent
    training: Spent
    total: Spent


@dataclass(frozen=True)
class Exceptions:
    """Runs `<stage>/<run>` that were not computed as planned: on a CPU although the plan gives them
    GPUs; continued on another machine, with how it differs."""

    on_cpu: tuple[str, ...]
    moved: dict[str, tuple[str, ...]]


def stage_costs(evidence: Evidence) -> list[StageCost]:
    found = []
    for stage in STAGES:
        runs = evidence.lines[stage]
        costs = [cost for run in runs if (cost := evidence.cost(stage, run))]
        if runs:
            found.append(StageCost(stage, len(runs), len(costs), _sum(costs)))
    return found


def exceptions(evidence: Evidence) -> Exceptions:
    on_cpu, moved = [], {}
    for stage in STAGES:
        gpus = evidence.plan.get("resources", {}).get(stage, {}).get("gpus", 0)
        for run in evidence.lines[stage]:
            cost = evidence.cost(stage, run)
            if cost and gpus and cost.device == "cpu":
                on_cpu.append(f"{stage}/{run}")
            if cost and cost.moves:
                moved[f"{stage}/{run}"] = cost.moves
    return Exceptions(tuple(on_cpu), moved)


def row_costs(evidence: Evidence, report: Report) -> list[RowCost]:
    """Per planned row: the runs that it depends on and what they took. Runs that several rows
    depend on count in each."""
    found = []
    own = [("own images", report.own), ("own boxes", report.boxes)]
    for table, rows in [*report.tables.items(), *own]:
        for row in rows:
            runs: set[str] = set()
            for run in [*row.runs, *row.minus]:
                runs |= upstream(evidence, run)
            costs = {run: evidence.cost(*run.split("/", 1)) for run in sorted(runs)}

            def of(*stages: str, costs: dict[str, Cost | None] = costs) -> Spent:
                kept = (run for run in costs if run.partition("/")[0] in stages)
                return _sum(cost for run in kept if (cost := costs[run]))

            found.append(
                RowCost(
                    table=table,
                    row=row.label,
                    runs=len(runs),
                    search=of("search"),
                    selection=of("score", "select"),
                    training=of("retrain", "pretrain", "probe", "transfer"),
                    total=of(*STAGES),
                )
            )
    return found


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


def _sum(costs: Iterable[Cost]) -> Spent:
    costs = list(costs)
    return Spent(
        seconds=sum(cost.seconds for cost in costs),
        device_hours=sum(cost.gpu_days for cost in costs) * 24,
        devices=", ".join(sorted({cost.device for cost in costs})),
    )
