"""What the plan's runs left besides the tables' numbers: lines, metrics, costs, curves, genotypes.

Only runs of the plan are looked at: results of an earlier plan may still be in the folder.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from nassl.files import InputError, read_json
from nassl.manifest import MANIFEST, verify
from stages.runs.lines import RUNS, references, results_folder

STAGES = tuple(RUNS)
TRAINED = ("pretrain/", "retrain/")  # runs whose weights others read


@dataclass(frozen=True)
class Evidence:
    """`lines[stage][run]` is the run's line in the plan. For a run that has not been made, every
    method returns None or nothing."""

    results: Path
    plan: dict[str, Any] = field(default_factory=dict)

    @property
    def lines(self) -> dict[str, dict[str, dict[str, Any]]]:
        return {stage: self.plan.get(stage) or {} for stage in STAGES}

    def folder(self, stage: str, run: str) -> Path:
        """The run's folder, as in dvc.yaml."""
        return self.results / results_folder(stage, run, self.lines[stage][run])

    def metrics(self, stage: str, run: str) -> dict[str, Any] | None:
        return self._read(stage, run, "metrics.json")

    def cost(self, stage: str, run: str) -> dict[str, Any] | None:
        return self._read(stage, run, "cost.json")

    def _read(self, stage: str, run: str, name: str) -> Any:
        file = self.folder(stage, run) / name
        return read_json(file) if file.exists() else None

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
