"""What the plan's runs left: lines, metrics, costs, curves, genotypes.

Only runs of the plan are looked at: results of an earlier plan may still be in the folder.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from nassl.files import InputError, read_json
from nassl.manifest import MANIFEST, verify
from nassl.settings import OBJECTIVES
from stages.runs.lines import RUNS, references, results_folder

STAGES = tuple(RUNS)
TRAINED = ("pretrain/", "retrain/")  # runs whose weights others read


@dataclass(frozen=True)
class Cost:
    """What a run took: cost.json."""

    seconds: float
    gpu_days: float  # days of `device`, whichever it is
    device: str
    moves: tuple[str, ...] = ()  # from one machine to another, as sentences


@dataclass(frozen=True)
class Measured:
    """What a run measured: metrics.json."""

    file: Path
    metrics: Mapping[str, Any]

    def __contains__(self, key: str) -> bool:
        return key in self.metrics

    def value(self, key: str) -> Any:
        """Raises InputError if it was not measured."""
        if key not in self.metrics:
            known = ", ".join(sorted(self.metrics))
            raise InputError(f"{self.file} has no {key!r}; it has: {known}")
        return self.metrics[key]

    def percent(self, key: str) -> float:
        """A fraction of metrics.json in percent. Raises InputError for other values."""
        value = self.value(key)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
            raise InputError(f"{self.file}: {key} is {value!r}; a fraction from 0 to 1 is expected")
        return 100 * value


@dataclass(frozen=True)
class Evidence:
    """`lines[stage][run]` is the run's line in the plan. For a run that has not been made, every
    method but `measured` and `spent` returns None or nothing."""

    results: Path
    plan: dict[str, Any] = field(default_factory=dict)

    @property
    def lines(self) -> dict[str, dict[str, dict[str, Any]]]:
        return {stage: self.plan.get(stage) or {} for stage in STAGES}

    def folder(self, stage: str, run: str) -> Path:
        """The run's folder, as in dvc.yaml."""
        return self.results / results_folder(stage, run, self.lines[stage].get(run, {}))

    def loss_unit(self, stage: str, run: str) -> str:
        """Of the run's training loss; "" for a loss without, or of an unknown objective."""
        entry = self.lines[stage].get(run, {}).get("objective")
        objective = (self.plan.get("objective") or {}).get(entry) or {}
        kind = objective.get("kind")
        return OBJECTIVES[kind].unit(objective.get("loss", "")) if kind in OBJECTIVES else ""

    def metrics(self, stage: str, run: str) -> dict[str, Any] | None:
        file = self.folder(stage, run) / "metrics.json"
        return read_json(file) if file.exists() else None

    def cost(self, stage: str, run: str) -> Cost | None:
        file = self.folder(stage, run) / "cost.json"
        return _cost(file) if file.exists() else None

    def measured(self, run: str) -> Measured:
        """Of `<stage>/<run>`, which a table needs. Raises InputError if it is missing."""
        file = self._needed(run, "metrics.json")
        return Measured(file, read_json(file))

    def spent(self, run: str) -> Cost:
        """Of `<stage>/<run>`, which a table needs. Raises InputError if it is missing."""
        return _cost(self._needed(run, "cost.json"))

    def _needed(self, run: str, name: str) -> Path:
        folder = self.results / run
        if not (folder / name).exists():
            raise InputError(
                f"{folder} is missing or has no {name}; "
                f"make it with `dvc repro {run.replace('/', '@', 1)}`"
            )
        return folder / name

    def architecture(self, run: str) -> str | None:
        """`select/<run>` or `search/<run>` whose genotype the run `<stage>/<run>` trained."""
        stage, _, name = run.partition("/")
        line = self.lines.get(stage, {}).get(name, {})
        for named in references(stage, line):
            if named.field == "architecture":
                return named.run
            if named.run.startswith(TRAINED):
                return self.architecture(named.run)
        return None

    def genotype(self, architecture: str) -> Path | None:
        """genotype.json of `<stage>/<run>`."""
        file = self.results / architecture / "genotype.json"
        return file if file.exists() else None

    def curve(self, stage: str, run: str, name: str) -> list[tuple[float, float]]:
        """(epoch from 1, value) of DVCLive's file; empty where it was not measured.

        Raises InputError naming a file that is not DVCLive's.
        """
        file = self.folder(stage, run) / "curves" / "plots" / "metrics" / f"{name}.tsv"
        if not file.exists():
            return []
        with file.open(newline="", encoding="utf-8") as lines:
            try:
                rows = list(csv.DictReader(lines, delimiter="\t"))
                return [(int(row["step"]) + 1, float(row[name])) for row in rows]
            except (KeyError, TypeError, ValueError) as error:
                raise InputError(
                    f"{file} has no columns 'step' and {name!r} with numbers ({error!r}); "
                    f"delete it and run its stage: `dvc repro --force {stage}@{run}`"
                ) from error

    def method(self, stage: str, run: str) -> str:
        """`ssnas-digits-b32-s0` -> `ssnas-b32`: without data and seed, which the line has."""
        line = self.lines[stage][run]
        name = run.removesuffix(f"-s{line.get('seed')}")
        return name.replace(f"-{line['data']}", "", 1) if "data" in line else name


def _cost(file: Path) -> Cost:
    cost = read_json(file)
    if missing := [key for key in ("seconds", "gpu_days", "device") if key not in cost]:
        raise InputError(f"{file} has no {missing[0]!r}; run its stage again")
    moves = tuple(cost.get("moves", ()))
    return Cost(cost["seconds"], cost["gpu_days"], cost["device"], moves)


def read_evidence(results: Path, plan: Path) -> Evidence:
    """All of the plan; `read_report` has checked that it is there.

    Every file of its runs is compared with its manifest, whether it is looked at afterwards or not;
    prepared images, which are large, are left to the stages that read them. Raises InputError
    naming the first that is not what its stage wrote.
    """
    evidence = Evidence(results, OmegaConf.to_container(OmegaConf.load(plan)))
    for stage, lines in evidence.lines.items():
        for folder in (evidence.folder(stage, run) for run in lines):
            if (folder / MANIFEST).exists():
                verify(folder)
    return evidence
