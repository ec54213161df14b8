"""What the report is asked for: the section `report` of params.yaml."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from nassl.settings import SettingsError
from nassl.settings.typed import typed
from stages.report.evidence.reported import label


@dataclass(frozen=True)
class PlannedRow:
    """The runs that reproduce one row of a paper's table: one run per seed."""

    row: str
    runs: list[str]  # folders under results/: <stage>/<run>
    values: dict[str, str]  # metric of the table: key of the runs' metrics.json, a fraction
    minus: list[str] = field(default_factory=list)  # subtracted from `runs`, pair by pair
    searches: list[str] = field(default_factory=list)  # runs whose cost is the search cost
    trained: list[str] = field(default_factory=list)  # runs whose weights `runs` and `minus` read
    several_searches: bool = False  # the runs train what different searches found
    batch_size: int | None = None
    init: str | None = None
    method: str | None = None
    data: str | None = None  # a stand-in is named: digits for CIFAR-10

    @property
    def label(self) -> str:
        return label(self)


@dataclass(frozen=True, kw_only=True)
class PlannedOwnRow:
    """A method's runs, one per seed. `selection` is select/<run>, or search/<run> where nothing was
    selected; `pretrained` are the runs whose weights `runs` judged, or `runs` themselves."""

    row: str
    data: str
    runs: list[str]
    selection: str
    pretrained: list[str]
    searches: list[str] = field(default_factory=list)

    @property
    def label(self) -> str:
        return self.row

    @property
    def minus(self) -> list[str]:
        """The other runs that the row takes."""
        return []


@dataclass(frozen=True, kw_only=True)
class PlannedBoxesRow(PlannedOwnRow):
    """Detectors of own boxes, one per seed: `runs` started from the weights of `pretrained`, those
    of `random`, of the same seeds, from random ones."""

    random: list[str]

    @property
    def minus(self) -> list[str]:
        return self.random


@dataclass(frozen=True)
class PlannedStudyRow:
    """A group of architectures of the study: `runs` trained them (or found them, where they are
    searches), several seeds each; `scored` are the selections whose candidates are their scores."""

    row: str
    data: str
    runs: list[str]
    scored: list[str] = field(default_factory=list)
    init: str | None = None
    method: str | None = None
    batch_size: int | None = None


@dataclass(frozen=True)
class PlannedDecision:
    """What the papers do not say, or what is done otherwise: a marked setting of the plan
    (`stages.plan.decisions`). `value` is empty for what is said of a whole section."""

    setting: str
    value: str
    why: str


@dataclass(frozen=True)
class Report:
    """`tables` is keyed `<paper>.<table>`."""

    scale: str
    tables: dict[str, Any]  # lists of PlannedRow
    below: dict[str, str] = field(default_factory=dict)  # dvc.yaml's: where a stage's folder lies
    own: list[Any] = field(default_factory=list)  # of PlannedOwnRow: your own images
    boxes: list[Any] = field(default_factory=list)  # of PlannedBoxesRow: your own boxes
    decisions: list[Any] = field(default_factory=list)  # of PlannedDecision
    study: dict[str, Any] = field(default_factory=dict)  # table: lists of PlannedStudyRow


def typed_report(section: Any) -> Report:
    """The section `report` of a plan, checked. Raises SettingsError naming the key."""
    report = typed(Report, section, "report")
    tables = _typed_tables(PlannedRow, report.tables, "report.tables")
    study = _typed_tables(PlannedStudyRow, report.study, "report.study")
    own = [
        typed(PlannedOwnRow, row, f"report.own[{number}]") for number, row in enumerate(report.own)
    ]
    boxes = [
        typed(PlannedBoxesRow, row, f"report.boxes[{number}]")
        for number, row in enumerate(report.boxes)
    ]
    decisions = [
        typed(PlannedDecision, entry, f"report.decisions[{number}]")
        for number, entry in enumerate(report.decisions)
    ]
    return replace(report, tables=tables, own=own, boxes=boxes, decisions=decisions, study=study)


def _typed_tables(kind: type, tables: dict[str, Any], where: str) -> dict[str, Any]:
    found = {}
    for name, rows in tables.items():
        if not isinstance(rows, list):
            raise SettingsError(f"{where}.{name} is {rows!r}; a list of rows is expected")
        found[name] = [
            typed(kind, row, f"{where}.{name}[{number}]") for number, row in enumerate(rows)
        ]
    return found


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
