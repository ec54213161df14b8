"""The papers' tables: what the runs measured beside what was reported."""

from __future__ import annotations

from collections.abc import Iterable

from stages.report.evidence.asked import PlannedRow, Report
from stages.report.evidence.data import leaks_of
from stages.report.evidence.matching import assign
from stages.report.evidence.reported import ReportedRow, ReportedTable
from stages.report.evidence.runs import Cost, Evidence, Measured
from stages.report.numbers.order import comparisons
from stages.report.numbers.rows import Reproduced, Result, Row, Seed, Table
from stages.report.numbers.statistics import deviation, interval95, mean

# What probe and transfer measure besides a table's metrics, shown if every run of a row has it.
EXTRAS = (
    "linear_accuracy", "linear_accuracy_untrained", "knn_accuracy", "knn_accuracy_untrained",
    "AP50_untrained", "AP50_box_untrained",
)  # fmt: skip


def collect(
    plan: Report, reported: dict[str, ReportedTable], evidence: Evidence, commit: str
) -> list[Table]:
    """Every table of every paper of the plan, with all of its rows, in the paper's order.

    Raises SettingsError if the plan does not fit the papers' tables, InputError if a run is missing
    or has no usable value.
    """
    assigned = assign(plan, reported)
    papers = {reported[name].paper for name in plan.tables}
    tables = []
    for name, table in reported.items():
        if table.paper not in papers:
            continue
        made = assigned.get(name, {})
        rows = tuple(
            Row(row, _reproduced(made[number], row, evidence) if number in made else None)
            for number, row in enumerate(table.rows)
        )
        found = comparisons(table.metrics, rows)
        tables.append(Table(table, plan.scale, commit, rows, found))
    return tables


def _reproduced(planned: PlannedRow, row: ReportedRow, evidence: Evidence) -> Reproduced:
    """Values in percent, sizes, cost."""
    runs = [evidence.measured(run) for run in planned.runs]
    less = [evidence.measured(run) for run in planned.minus]
    values: dict[str, list[float]] = {}
    for metric in row.values:
        key = planned.values[metric]
        values[metric] = [run.percent(key) for run in runs]
        if less:
            pairs = zip(values[metric], less, strict=True)
            values[metric] = [value - run.percent(key) for value, run in pairs]
    minus = planned.minus or [None] * len(runs)
    training = _costs(evidence, [*planned.trained, *planned.runs, *planned.minus])
    search = _costs(evidence, planned.searches)
    trained = [evidence.measured(run) for run in planned.trained]
    params = _size(runs, "params") or _size(trained, "params")
    return Reproduced(
        seeds=tuple(
            Seed(run, {metric: values[metric][number] for metric in values}, subtracted)
            for number, (run, subtracted) in enumerate(zip(planned.runs, minus, strict=True))
        ),
        results={
            metric: Result(
                mean(found), deviation(found), mean(found) - row.values[metric], interval95(found)
            )
            for metric, found in values.items()
        },
        params_million=None if params is None else params / 1e6,
        flops=_size(runs, "flops") or _size(trained, "flops"),
        search_device_days=sum(cost.gpu_days for cost in search) if search else None,
        search_device=_devices(search),
        training_seconds=sum(cost.seconds for cost in training),
        device=_devices(training),
        extra={
            key: mean([run.percent(key) for run in runs])
            for key in EXTRAS
            if key not in planned.values.values() and all(key in run for run in runs)
        },
        # with random weights nothing was pretrained
        ssl_gain=None if row.init == "random weights" else _ssl_gain(runs),
        data=planned.data,
        leaks=leaks_of(evidence, _paired(planned)),
    )


def _paired(planned: PlannedRow) -> Iterable[str]:
    """The runs of a row, seed by seed."""
    if not planned.minus:
        return planned.runs
    return [run for pair in zip(planned.runs, planned.minus, strict=True) for run in pair]


def _costs(evidence: Evidence, runs: Iterable[str]) -> list[Cost]:
    """Of every run once."""
    return [evidence.spent(run) for run in dict.fromkeys(runs)]


def _size(runs: list[Measured], key: str) -> float | None:
    """Mean of a size over the runs that know it: networks differ from seed to seed if their
    architectures do."""
    known = [run.metrics[key] for run in runs if run.metrics.get(key) is not None]
    return mean(known) if known else None


def _devices(costs: list[Cost]) -> str | None:
    return ", ".join(sorted({cost.device for cost in costs})) or None


def _ssl_gain(runs: list[Measured]) -> float | None:
    """Linear accuracy of the pretrained networks over that of the same networks with random
    weights; None if either was not measured."""
    keys = ("linear_accuracy", "linear_accuracy_untrained")
    if not all(key in run for run in runs for key in keys):
        return None
    trained, untrained = (mean([run.percent(key) for run in runs]) for key in keys)
    return trained / untrained if untrained > 0 else None
