"""What the report is asked for (`report` in params.yaml) and what the papers reported."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from nassl.files import InputError
from nassl.settings import SettingsError
from nassl.settings.typed import typed
from stages.runs.rows import IDENTITY


@dataclass
class ReportRow:
    """The runs that reproduce one row of a paper's table: one run per seed."""

    row: str
    runs: list[str]  # folders under results/: <stage>/<run>
    values: dict[str, str]  # metric of the table: key of the runs' metrics.json, a fraction
    minus: list[str] = field(default_factory=list)  # subtracted from `runs`, pair by pair
    searches: list[str] = field(default_factory=list)  # runs whose cost is the search cost
    trained: list[str] = field(default_factory=list)  # runs whose weights `runs` and `minus` read
    batch_size: int | None = None
    init: str | None = None
    method: str | None = None
    data: str | None = None  # a stand-in is named: digits for CIFAR-10

    @property
    def label(self) -> str:
        return row_label(vars(self))


@dataclass
class OwnRow:
    """A method's runs, one per seed. `selection` is select/<run>, or search/<run> where nothing was
    selected; `pretrained` are the runs whose weights `runs` judged, or `runs` themselves."""

    row: str
    data: str
    runs: list[str]
    selection: str
    pretrained: list[str]
    searches: list[str] = field(default_factory=list)


@dataclass
class Report:
    """`tables` is keyed `<paper>.<table>`."""

    scale: str
    tables: dict[str, Any]  # lists of ReportRow
    below: dict[str, str] = field(default_factory=dict)  # dvc.yaml's: where a stage's folder lies
    own: list[Any] = field(default_factory=list)  # of OwnRow: your own images


def row_label(row: dict[str, Any]) -> str:
    """`SSNAS (first order), batch size 32`: a row's name with what else identifies it."""
    named = [row["row"]]
    for key in IDENTITY:
        if row.get(key) is not None:
            named.append(f"batch size {row[key]}" if key == "batch_size" else str(row[key]))
    return ", ".join(named)


def typed_report(section: Any) -> Report:
    """The section `report` of a plan, checked. Raises SettingsError naming the key."""
    report = typed(Report, section, "report")
    for name, rows in report.tables.items():
        if not isinstance(rows, list):
            raise SettingsError(f"report.tables.{name} is {rows!r}; a list of rows is expected")
        report.tables[name] = [
            typed(ReportRow, row, f"report.tables.{name}[{number}]")
            for number, row in enumerate(rows)
        ]
    report.own = [
        typed(OwnRow, row, f"report.own[{number}]") for number, row in enumerate(report.own)
    ]
    return report


def read_report(plan: Path) -> Report:
    """The section `report` of the plan. Raises SettingsError if it is missing or does not fit."""
    if not plan.exists():
        raise SettingsError(f"{plan} is missing; write it with `python -m stages.plan`")
    section = OmegaConf.to_container(OmegaConf.load(plan)).get("report")
    if section is None:
        raise SettingsError(
            f"{plan} has no section `report`; write it with `python -m stages.plan`"
        )
    return typed_report(section)


def read_reported(path: Path) -> dict[str, dict[str, Any]]:
    """paper -> table -> what the paper reports. Raises InputError if the file is missing."""
    if not path.exists():
        raise InputError(f"{path} is missing; it comes with the source: `git checkout -- {path}`")
    return OmegaConf.to_container(OmegaConf.load(path))


def metric_names(table: dict[str, Any]) -> list[str]:
    """The metrics of a paper's table; the reported value of a row is in the same order."""
    return table["metric"] if isinstance(table["metric"], list) else [table["metric"]]


def assign(plan: Report, reported: dict[str, Any]) -> dict[tuple[str, str, int], ReportRow]:
    """(paper, table, number of the row in it) -> the planned row.

    A planned row belongs to the reported row of the same name of which every identifying key that
    both have is equal. Raises SettingsError naming table and row if there is no such row, or more
    than one, if it is a quoted one, if two planned rows claim it, or if the metrics differ.
    """
    assigned: dict[tuple[str, str, int], ReportRow] = {}
    for name, planned_rows in plan.tables.items():
        paper, _, table_name = name.partition(".")
        table = reported.get(paper, {}).get(table_name)
        if table is None:
            known = ", ".join(f"{p}.{t}" for p, tables in reported.items() for t in tables)
            raise SettingsError(f"report.tables has the unknown table {name!r}; available: {known}")
        for planned in planned_rows:
            where = f"report.tables.{name}, row {planned.label!r}"
            fits = [n for n, row in enumerate(table["rows"]) if _same(planned, row)]
            if len(fits) != 1:
                found = "; ".join(row_label(table["rows"][n]) for n in fits) or "none"
                allowed = "; ".join(row_label(row) for row in table["rows"])
                raise SettingsError(
                    f"{where} must fit exactly one row of the paper's table; it fits: {found}; "
                    f"the table has: {allowed}"
                )
            key = (paper, table_name, fits[0])
            if table["rows"][fits[0]]["status"] == "quoted":
                raise SettingsError(f"{where} is quoted by the paper: it is shown, never produced")
            if key in assigned:
                raise SettingsError(f"{where} occurs twice; every row of a table is made once")
            metrics = metric_names(table)
            if sorted(planned.values) != sorted(metrics):
                raise SettingsError(
                    f"{where} has values for {', '.join(planned.values) or 'nothing'}; "
                    f"the table's metrics are: {', '.join(metrics)}"
                )
            if not planned.runs:
                raise SettingsError(f"{where} has no runs; at least one is expected")
            if planned.minus and len(planned.minus) != len(planned.runs):
                raise SettingsError(
                    f"{where}: {len(planned.runs)} runs minus {len(planned.minus)}; "
                    f"they are subtracted in pairs, so their numbers must be equal"
                )
            assigned[key] = planned
    return assigned


def _same(planned: ReportRow, row: dict[str, Any]) -> bool:
    pairs = [(getattr(planned, key), row.get(key)) for key in IDENTITY]
    return planned.row == row["row"] and all(a == b for a, b in pairs if None not in (a, b))
