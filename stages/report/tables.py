"""The papers' tables: what the runs measured beside what was reported.

One form for all tables: a number of a row (reported, reproduced.mean, reproduced.std, difference,
interval95, the value of a seed) is a number where the table has one metric, and a mapping from
metric to number where it has several. Accuracies, errors and APs are in percent.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from nassl.files import InputError, read_json
from stages.report.settings import IDENTITY, Report, ReportRow, assign, metric_names
from stages.report.statistics import best, deviation, interval95, mean, of_metric, ordering

# What probe and transfer measure besides a table's metrics, shown if every run of a row has it.
EXTRAS = (
    "linear_accuracy", "linear_accuracy_untrained", "knn_accuracy", "knn_accuracy_untrained",
    "AP50_untrained", "AP50_box_untrained",
)  # fmt: skip


def collect(
    plan: Report, reported: dict[str, Any], results: Path, commit: str
) -> list[dict[str, Any]]:
    """Every table of every paper of the plan, with all of its rows, in the paper's order.

    Raises SettingsError if the plan does not fit the papers' tables, InputError if a run is missing
    or has no usable value.
    """
    assigned = assign(plan, reported)
    papers = {name.partition(".")[0] for name in plan.tables}
    tables = []
    for paper in (name for name in reported if name in papers):
        for name, table in reported[paper].items():
            metrics = metric_names(table)
            rows = []
            for number, row in enumerate(table["rows"]):
                planned = assigned.get((paper, name, number))
                entry = _reported_part(row, table, metrics)
                if planned:
                    entry.update(_reproduced_part(planned, metrics, results, entry["reported"]))
                    entry.update(scale=plan.scale, data=planned.data, commit=commit)
                    if entry.get("init") == "random weights":  # nothing was pretrained
                        entry["ssl_gain"] = None
                rows.append(entry)
            tables.append(
                {
                    "paper": paper,
                    "table": name,
                    "title": table["title"],
                    "dataset": table["dataset"],
                    "metric": metrics if len(metrics) > 1 else metrics[0],
                    "scale": plan.scale,
                    "commit": commit,
                    "rows": rows,
                    "ordering": ordering(metrics, rows),
                }
            )
    return tables


def lines(table: dict[str, Any]) -> list[dict[str, Any]]:
    """One flat mapping per row and metric: the lines of the CSV file."""
    metrics = table["metric"] if isinstance(table["metric"], list) else [table["metric"]]
    flat = []
    for row in table["rows"]:
        for metric in metrics:
            found = row["reproduced"] or {"mean": None, "std": None}
            low, high = of_metric(row["interval95"], metric) or (None, None)
            flat.append(
                {
                    "row": row["row"],
                    **{key: row.get(key) for key in IDENTITY},
                    "status": row["status"],
                    "ours": row["ours"],
                    "metric": metric,
                    "reported": of_metric(row["reported"], metric),
                    "number_from": row["number_from"],
                    "mean": of_metric(found["mean"], metric),
                    "std": of_metric(found["std"], metric),
                    "n": row["n"],
                    "best": of_metric(row["best"], metric),
                    "difference": of_metric(row["difference"], metric),
                    "interval95_low": low,
                    "interval95_high": high,
                    "params_million": row["params_million"],
                    "reported_params_million": row["reported_params_million"],
                    "flops": row["flops"],
                    "reported_flops": row["reported_flops"],
                    "search_device_days": row["search_device_days"],
                    "search_count": row["search_count"],
                    "search_device": row["search_device"],
                    "reported_search_gpu_days": row["reported_search_gpu_days"],
                    "training_seconds": row["training_seconds"],
                    "device": row["device"],
                    "scale": row["scale"],
                    "data": row["data"],
                    "commit": row["commit"],
                    **{key: row["extra"].get(key) for key in EXTRAS},
                    "note": row["note"],
                }
            )
    return flat


def _reported_part(
    row: dict[str, Any], table: dict[str, Any], metrics: list[str]
) -> dict[str, Any]:
    """What the paper reports for a row; everything that only a run can measure is None."""
    value, quoted = row["value"], row["status"] == "quoted"
    return {
        "row": row["row"],
        **{key: row[key] for key in IDENTITY if key in row},
        "status": row["status"],
        "ours": row.get("ours", False),
        "reported": value if len(metrics) == 1 else dict(zip(metrics, value, strict=True)),
        "number_from": row.get("number_from"),
        "reported_params_million": row.get("params"),
        "reported_flops": table.get("flops_in_text", {}).get(row["row"]),
        "reported_search_gpu_days": row.get("search_cost_gpu_days"),
        "note": "quoted by the paper" if quoted else "not in this plan",
        **dict.fromkeys(("reproduced", "best", "difference", "interval95")),
        **dict.fromkeys(("params_million", "flops")),
        **dict.fromkeys(("search_device_days", "search_count", "search_device")),
        **dict.fromkeys(("training_seconds", "device")),
        **dict.fromkeys(("scale", "data", "commit", "ssl_gain")),
        "n": 0,
        "seeds": [],
        "extra": {},
    }


def _reproduced_part(
    planned: ReportRow, metrics: list[str], results: Path, reported: Any
) -> dict[str, Any]:
    """What the runs of a row measured: values in percent, sizes, cost."""
    runs = [_metrics(results, run) for run in planned.runs]
    less = [_metrics(results, run) for run in planned.minus]
    values = {}
    for metric in metrics:
        key = planned.values[metric]
        values[metric] = [_percent(run, key) for run in runs]
        if less:
            pairs = zip(values[metric], less, strict=True)
            values[metric] = [value - _percent(run, key) for value, run in pairs]

    def each(number: Callable[[str], Any]) -> Any:
        """`number` of the one metric, or of every one by its name."""
        return number(metrics[0]) if len(metrics) == 1 else {m: number(m) for m in metrics}

    count = len(runs)
    seeds = []
    for number, run in enumerate(planned.runs):
        seed = {"run": run, "value": each(lambda m, number=number: values[m][number])}
        seeds.append(seed | ({"minus": planned.minus[number]} if less else {}))
    training = [_cost(results, run) for run in dict.fromkeys(_trained(planned))]
    search = [_cost(results, run) for run in dict.fromkeys(planned.searches)]
    trained = [_metrics(results, run) for run in planned.trained]
    params = _size(runs, "params") or _size(trained, "params")
    flops = _size(runs, "flops") or _size(trained, "flops")
    return {
        "reproduced": {
            "mean": each(lambda m: mean(values[m])),
            "std": each(lambda m: deviation(values[m])),
            "n": count,
        },
        "best": each(lambda m: best(m, values[m])) if planned.several_searches else None,
        "difference": each(lambda m: mean(values[m]) - of_metric(reported, m)),
        "interval95": each(lambda m: interval95(values[m])),
        "n": count,
        "seeds": seeds,
        "params_million": None if params is None else params / 1e6,
        "flops": flops,
        "search_device_days": sum(cost["gpu_days"] for cost in search) if search else None,
        "search_count": len(search) if search else None,
        "search_device": _devices(search),
        "training_seconds": sum(cost["seconds"] for cost in training),
        "device": _devices(training),
        "extra": {
            key: mean([_percent(run, key) for run in runs])
            for key in EXTRAS
            if key not in planned.values.values() and all(key in run["metrics"] for run in runs)
        },
        "ssl_gain": _ssl_gain(runs),
        "note": "",
    }


def _trained(planned: ReportRow) -> list[str]:
    return [*planned.trained, *planned.runs, *planned.minus]


def _folder(results: Path, run: str) -> Path:
    folder = results / run
    if not (folder / "metrics.json").exists() or not (folder / "cost.json").exists():
        stage, _, name = run.partition("/")
        raise InputError(
            f"{folder} is missing or has no metrics.json and cost.json; "
            f"make it with `dvc repro {stage}@{name}`"
        )
    return folder


def _metrics(results: Path, run: str) -> dict[str, Any]:
    file = _folder(results, run) / "metrics.json"
    return {"file": file, "metrics": read_json(file)}


def _cost(results: Path, run: str) -> dict[str, Any]:
    file = _folder(results, run) / "cost.json"
    cost = read_json(file)
    if missing := [key for key in ("seconds", "gpu_days", "device") if key not in cost]:
        raise InputError(f"{file} has no {missing[0]!r}; run its stage again")
    return cost


def _percent(run: dict[str, Any], key: str) -> float:
    """A fraction of metrics.json in percent. Raises InputError for other values."""
    value = run["metrics"].get(key)
    if key not in run["metrics"]:
        raise InputError(
            f"{run['file']} has no {key!r}; it has: {', '.join(sorted(run['metrics']))}"
        )
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise InputError(f"{run['file']}: {key} is {value!r}; a fraction from 0 to 1 is expected")
    return 100 * value


def _size(runs: list[dict[str, Any]], key: str) -> float | None:
    """Mean of a size over the runs that know it: networks differ from seed to seed if their
    architectures do."""
    known = [run["metrics"][key] for run in runs if run["metrics"].get(key) is not None]
    return mean(known) if known else None


def _devices(costs: list[dict[str, Any]]) -> str | None:
    return ", ".join(sorted({cost["device"] for cost in costs})) or None


def _ssl_gain(runs: list[dict[str, Any]]) -> float | None:
    """Linear accuracy of the pretrained networks over that of the same networks with random
    weights; None if either was not measured."""
    keys = ("linear_accuracy", "linear_accuracy_untrained")
    if not all(key in run["metrics"] for run in runs for key in keys):
        return None
    trained, untrained = (mean([_percent(run, key) for run in runs]) for key in keys)
    return trained / untrained if untrained > 0 else None
