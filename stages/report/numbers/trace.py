"""From a row of a table back to the runs, files and hashes that its numbers were made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nassl.manifest import file_hash
from nassl.settings import SettingsError
from stages.report.evidence.asked import PlannedBoxesRow, PlannedOwnRow, PlannedRow, Report
from stages.report.evidence.reported import ReportedTable
from stages.report.evidence.runs import STAGES, Evidence
from stages.report.numbers.costs import upstream
from stages.report.numbers.own import collect_own
from stages.report.numbers.own_boxes import METRICS, START, collect_boxes
from stages.report.numbers.rows import Spread
from stages.report.numbers.statistics import deviation, mean
from stages.report.numbers.tables import collect

BOXES = "own_boxes"  # the table of own boxes; also `own.boxes`
OWN = "own"  # the table of own images; also `own.networks`, as the plan's `only` has it


@dataclass(frozen=True)
class Part:
    """A seed's share in a number: `value` is `key` of `file`, less that of `less`."""

    value: float
    key: str
    file: Path
    less: Path | None = None


@dataclass(frozen=True)
class Number:
    """Over seeds; fractions of the files are in percent here, losses as there. `reported` only of a
    paper's table; `unit` is "" where there is none."""

    metric: str
    parts: tuple[Part, ...]
    reported: float | None = None
    unit: str = "%"

    @property
    def here(self) -> Spread:
        values = [part.value for part in self.parts]
        return Spread(mean(values), deviation(values))


@dataclass(frozen=True)
class Trace:
    """`files`: of every run `<stage>/<run>` that the row depends on, in the order of the graph, its
    files with their SHA-256; of prepared data the manifests, which have the hashes of the rest."""

    table: str
    row: str
    numbers: tuple[Number, ...]
    files: dict[str, tuple[tuple[Path, str], ...]]


def trace(
    name: str, report: Report, reported: dict[str, ReportedTable], evidence: Evidence
) -> list[Trace]:
    """Of `<table>/<row>`; several where the row's name does not tell them apart.

    Raises SettingsError naming the tables or the rows of the plan if there is no such one,
    InputError naming a run that is missing.
    """
    table, found = _chosen(name, report)
    if table == OWN:
        return [_own(row, report.scale, evidence) for row in found]
    if table == BOXES:
        return [_boxes(row, report.scale, evidence) for row in found]
    return [_paper(table, row, report, reported, evidence) for row in found]


def _chosen(name: str, report: Report) -> tuple[str, list[Any]]:
    own = {name: rows for name, rows in ((OWN, report.own), (BOXES, report.boxes)) if rows}
    tables = {**report.tables, **own}
    table, _, row = name.partition("/")
    table = BOXES if table == "own.boxes" else table
    table = OWN if table.partition(".")[0] == OWN else table
    if table not in tables:
        known = ", ".join(tables) or "none"
        raise SettingsError(
            f"--trace is {name!r}; <table>/<row> is expected; tables in this plan: {known}"
        )
    found = [planned for planned in tables[table] if row in _names(planned)]
    if not found:
        known = "; ".join(planned.label for planned in tables[table])
        raise SettingsError(
            f"--trace: {table} has no row {row!r} in this plan; it has: {known} "
            f"(as in `--trace '{table}/{tables[table][0].label}'`)"
        )
    return table, found


def _names(planned: PlannedRow | PlannedOwnRow | PlannedBoxesRow) -> set[str]:
    """Its name, with or without what else identifies it, also as the plan's `only` has it."""
    method = getattr(planned, "method", None)
    return {planned.row, planned.label, f"{planned.row}/{method}"}


def _paper(
    table: str,
    planned: PlannedRow,
    report: Report,
    reported: dict[str, ReportedTable],
    evidence: Evidence,
) -> Trace:
    alone = replace(report, tables={table: [planned]}, own=[], boxes=[])
    row = next(row for one in collect(alone, reported, evidence, "") for row in one.made)
    minus = [evidence.results / run / "metrics.json" for run in planned.minus]
    numbers = tuple(
        Number(
            metric,
            tuple(
                Part(seed.values[metric], key, _metrics(evidence, seed.run), less)
                for seed, less in zip(row.here.seeds, minus or [None] * row.here.n, strict=True)
            ),
            row.reported.values[metric],
        )
        for metric, key in planned.values.items()
    )
    used = [*planned.runs, *planned.minus, *planned.trained, *planned.searches]
    return Trace(table, planned.label, numbers, _files(used, evidence))


def _own(planned: PlannedOwnRow, scale: str, evidence: Evidence) -> Trace:
    (row,) = collect_own([planned], scale, evidence, "").rows
    losses = tuple(
        Part(seed.final_loss, "final_loss", _metrics(evidence, seed.run)) for seed in row.pretrained
    )
    numbers = [Number("pretraining loss", losses, unit=row.loss_unit)]
    if row.selected_contrastive_loss is not None:
        file = _metrics(evidence, planned.selection)
        selected = Part(row.selected_contrastive_loss, "score", file)
        numbers.insert(0, Number("held-out contrastive loss", (selected,), unit="nats"))
    for key, values in row.values.items():
        parts = zip(row.runs, values, strict=True)
        numbers.append(
            Number(key, tuple(Part(value, key, _metrics(evidence, run)) for run, value in parts))
        )
    used = [*planned.runs, *planned.pretrained, planned.selection, *planned.searches]
    return Trace(OWN, planned.label, tuple(numbers), _files(used, evidence))


def _boxes(planned: PlannedBoxesRow, scale: str, evidence: Evidence) -> Trace:
    (row,) = collect_boxes([planned], scale, evidence, "").rows
    numbers = tuple(
        Number(
            metric if start == START[0] else f"{metric}, from random weights",
            tuple(
                Part(value, f"{metric}{row.ending}", _metrics(evidence, run))
                for run, value in zip(row.runs[start], row.values[start][metric], strict=True)
            ),
        )
        for start in START
        for metric in METRICS
    )
    used = [*planned.runs, *planned.random, *planned.pretrained, planned.selection]
    return Trace(BOXES, planned.label, numbers, _files([*used, *planned.searches], evidence))


def _metrics(evidence: Evidence, run: str) -> Path:
    return evidence.results / run / "metrics.json"


def _files(runs: Iterable[str], evidence: Evidence) -> dict[str, tuple[tuple[Path, str], ...]]:
    needed = set(runs)
    for run in runs:
        needed |= upstream(evidence, run)
    ordered = sorted(needed, key=lambda run: (STAGES.index(run.partition("/")[0]), run))
    return {run: tuple(_hashed(run, evidence)) for run in ordered}


def _hashed(run: str, evidence: Evidence) -> Iterator[tuple[Path, str]]:
    stage, name = run.split("/", 1)
    folder = (
        evidence.folder(stage, name) if name in evidence.lines[stage] else evidence.results / run
    )
    every = "*/manifest.json" if stage == "prepare" else "**/*"
    for path in sorted(folder.glob(every)):
        if path.is_file():
            yield path, file_hash(path)
