"""What the papers report: workflow/report/paper_tables.yaml, read once into types."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from nassl.files import InputError
from stages.runs.rows import IDENTITY

STATUSES = ("run", "quoted")
TABLE_KEYS = ("title", "dataset", "metric", "protocol", "flops_in_text", "rows")
ROW_KEYS = (
    "row", "value", "number_from", "status", "ours", *IDENTITY, "params", "search_method",
    "search_cost_gpu_days",
)  # fmt: skip


@dataclass(frozen=True)
class ReportedRow:
    """`values`: metric of the table -> what the paper reports, in percent."""

    row: str
    values: dict[str, float]
    status: str = "run"  # run: made here where the plan has it; quoted: only shown
    ours: bool = False  # the paper's own method
    batch_size: int | None = None
    init: str | None = None
    method: str | None = None
    params_million: float | None = None
    flops: float | None = None  # multiply-adds of one image
    search_method: str | None = None  # how the paper found the architecture
    search_gpu_days: float | None = None
    number_from: str | None = None  # where the paper has the values from, if they are not its own

    @property
    def label(self) -> str:
        return label(self)


@dataclass(frozen=True)
class ReportedTable:
    paper: str
    table: str
    title: str
    dataset: str
    metrics: tuple[str, ...]
    rows: tuple[ReportedRow, ...]
    protocol: str | None = None  # how the paper made its own numbers

    @property
    def name(self) -> str:
        """`ssnas.table1`: in the plan, and the name of the table's files."""
        return f"{self.paper}.{self.table}"


def identity(row: Any) -> dict[str, Any]:
    """What a row has of `IDENTITY`."""
    return {key: getattr(row, key) for key in IDENTITY if getattr(row, key) is not None}


def label(row: Any) -> str:
    """`SSNAS (first order), batch size 32`: a row's name with what else identifies it."""
    named = [row.row]
    for key, value in identity(row).items():
        named.append(f"batch size {value}" if key == "batch_size" else str(value))
    return ", ".join(named)


def read_reported(path: Path) -> dict[str, ReportedTable]:
    """`<paper>.<table>` -> what the paper reports, in the papers' order.

    Raises InputError if the file is missing, or naming the table or row that is not as expected.
    """
    if not path.exists():
        raise InputError(f"{path} is missing; it comes with the source: `git checkout -- {path}`")
    try:
        papers = OmegaConf.to_container(OmegaConf.load(path))
    except (YAMLError, OmegaConfBaseException) as error:
        raise InputError(f"{path} cannot be read: {' '.join(str(error).split())}") from error
    tables = [
        _table(f"{path}: {paper}.{name}", paper, name, content)
        for paper, contents in papers.items()
        for name, content in contents.items()
    ]
    return {table.name: table for table in tables}


def _table(where: str, paper: str, name: str, content: dict[str, Any]) -> ReportedTable:
    _check_keys(where, content, TABLE_KEYS, ("title", "dataset", "metric", "rows"))
    metric = content["metric"]
    metrics = tuple(metric) if isinstance(metric, list) else (metric,)
    flops = content.get("flops_in_text", {})
    rows = tuple(_row(where, entry, metrics, flops) for entry in content["rows"])
    return ReportedTable(
        paper=paper,
        table=name,
        title=content["title"],
        dataset=content["dataset"],
        metrics=metrics,
        rows=rows,
        protocol=content.get("protocol"),
    )


def _row(
    where: str, entry: dict[str, Any], metrics: tuple[str, ...], flops: dict[str, float]
) -> ReportedRow:
    _check_keys(f"{where}, row {entry.get('row')!r}", entry, ROW_KEYS, ("row", "value", "status"))
    where = f"{where}, row {entry['row']!r}"
    values = entry["value"] if isinstance(entry["value"], list) else [entry["value"]]
    if len(values) != len(metrics):
        raise InputError(
            f"{where} has {len(values)} values; the table's metrics are: {', '.join(metrics)}"
        )
    for value in values:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise InputError(f"{where} has the value {value!r}; a number is expected")
    if entry["status"] not in STATUSES:
        raise InputError(
            f"{where} has the status {entry['status']!r}; available: {', '.join(STATUSES)}"
        )
    return ReportedRow(
        row=entry["row"],
        values=dict(zip(metrics, values, strict=True)),
        status=entry["status"],
        ours=entry.get("ours", False),
        **{key: entry[key] for key in IDENTITY if key in entry},
        params_million=entry.get("params"),
        flops=flops.get(entry["row"]),
        search_method=entry.get("search_method"),
        search_gpu_days=entry.get("search_cost_gpu_days"),
        number_from=entry.get("number_from"),
    )


def _check_keys(
    where: str, entry: dict[str, Any], allowed: tuple[str, ...], needed: Iterable[str]
) -> None:
    if unknown := [key for key in entry if key not in allowed]:
        raise InputError(
            f"{where} has the unknown key {unknown[0]!r}; allowed: {', '.join(allowed)}"
        )
    if missing := [key for key in needed if key not in entry]:
        raise InputError(f"{where} has no {missing[0]!r}")
