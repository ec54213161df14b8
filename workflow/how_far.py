"""How far the graph is, read from the disk: which jobs are done, and what those at work show.

Nothing is changed, and no lock is taken that a start needs.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import yaml
from dvc_graph import flag
from locks import JOBS, running_jobs

sys.path.insert(0, str(Path(__file__).parents[1]))
from nassl.settings import SettingsError
from stages.plan.estimate.left import run_seconds, seconds_left
from stages.plan.estimate.schedule import upstream_of
from stages.runs.lines import RUNS, results_folder
from stages.runs.run import PLAN, Run, read_plan, resolve_run

RESULTS, LOCKFILE = Path("results"), Path("dvc.lock")
CHECKPOINTS = Path(".checkpoints")  # stages.training.checkpoints', which imports torch
MAIN_LOCK = Path(".snakemake/main.lock")  # restart.LOCK
REPORT = "report"
HEAD = 4096  # bytes within which a checkpoint says how long its run has taken


@dataclass
class Running:
    """A run that is at work: `part` is the share, 0 to 1, of its training that its newest curve
    shows, and `seconds` what that took; None where there is no such number."""

    name: str  # <stage>/<run>
    place: str = ""
    values: str = ""
    part: float = 0.0
    seconds: float | None = None


@dataclass
class Progress:
    """Names are `<stage>/<run>`, and `report`."""

    jobs: list[str]
    done: set[str]
    running: list[Running] = field(default_factory=list)
    left: float | None = None  # seconds
    at_work: bool = True  # a Snakemake or a job
    estimating: bool = False  # `left` comes with the next look


class Watch:
    """The plan, what its runs were estimated to take, and what dvc.lock said when it was last read.

    Raises SettingsError for a missing or broken plan.
    """

    def __init__(self) -> None:
        self.plan = read_plan(PLAN) if PLAN.exists() else {}
        if not all(stage in self.plan for stage in RUNS):
            raise SettingsError(f"{PLAN} is no plan; write it with `python -m stages.plan`")
        typed: dict[str, Any] = {}
        self.runs: dict[str, Run] = {
            f"{stage}/{name}": resolve_run(stage, name, self.plan, str(PLAN), typed)
            for stage in RUNS
            for name in self.plan[stage]
        }
        self.upstream = upstream_of(self.plan) | {REPORT: list(self.runs)}
        self.estimated: dict[str, float] | None = None
        self._locked: tuple[int, dict[str, Any]] = (-1, {})

    def estimate(self) -> None:
        """Counts the work of every run: seconds, at the papers' scale up to a minute."""
        try:
            self.estimated = run_seconds(self.plan)
        except SettingsError:  # the data are elsewhere
            self.estimated = {}

    def look(self) -> Progress:
        jobs = [*self.runs, REPORT]
        running = [name.replace("@", "/", 1) for name in running_jobs()]
        snakemake = snakemake_at_work()
        found = self._flagged() if snakemake else self._recorded()
        done = {name for name in found if name not in running}
        seen = [self._running(name) for name in jobs if name in running]
        at_work = snakemake or bool(running)
        progress = Progress(jobs, done, seen, None, at_work, self.estimated is None)
        if self.estimated:
            taken = {name: cost for name in done if (cost := self._cost(name)) is not None}
            taken |= {run.name: run.seconds / run.part for run in seen if run.seconds and run.part}
            parts = {run.name: run.part for run in seen}
            progress.left = seconds_left(
                self.plan, self.estimated, taken, done, parts, len(running)
            )
        return progress

    def _flagged(self) -> set[str]:
        """Jobs whose flag Snakemake's start has left, because DVC called them up to date, and those
        that have ended since."""
        return {name for name in self.upstream if Path(flag(name.replace("/", "@", 1))).exists()}

    def _recorded(self) -> set[str]:
        """Without Snakemake: jobs that dvc.lock lists with the plan's values, behind none that it
        does not. Code that has changed since is the next start's to find."""
        entries = self._lock_entries()
        stale = set()
        for name in self.upstream:  # in the order of the graph
            entry = entries.get(name.replace("/", "@", 1))
            if (
                entry is None
                or any(needed in stale for needed in self.upstream[name])
                or not all(Path(out["path"]).exists() for out in entry.get("outs", []))
                or not all(_same(self._value(k), v) for k, v in _values(entry).items())
                or not all(_unchanged(each) for each in entry.get("deps", []))
            ):
                stale.add(name)
        return set(self.upstream) - stale

    def _lock_entries(self) -> dict[str, Any]:
        if not LOCKFILE.exists():
            return {}
        stamp = LOCKFILE.stat().st_mtime_ns
        if stamp != self._locked[0]:
            text = LOCKFILE.read_text(encoding="utf-8")
            content = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(text).get_single_data()
            self._locked = stamp, (content or {}).get("stages") or {}
        return self._locked[1]

    def _value(self, key: str) -> Any:
        value: Any = self.plan
        for part in key.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        return value

    def _folder(self, name: str) -> Path:
        run = self.runs[name]
        return RESULTS / results_folder(run.stage, run.name, vars(run.line))

    def _cost(self, name: str) -> float | None:
        try:
            return json.loads((self._folder(name) / "cost.json").read_text())["seconds"]
        except (KeyError, OSError, ValueError):  # a job that trains nothing has none
            return None

    def _running(self, name: str) -> Running:
        """What the newest of the run's curves shows."""
        started = _age(JOBS / f"{name.replace('/', '@', 1)}.lock")
        since = f"for {in_words(started)}" if started is not None else ""
        if name == REPORT:
            return Running(name, since)
        curves = self._folder(name) / "curves"
        newest = max(
            (path for path in curves.rglob("metrics/*.tsv")),
            key=lambda path: path.stat().st_mtime,
            default=None,
        )
        # The folder may be a former run's, or be removed while it is looked at.
        if newest is None or (started is not None and _age(newest) > started):
            return Running(name, since)
        rows = {path.stem: _last_row(path) for path in sorted(newest.parent.glob("*.tsv"))}
        step = max((row[0] for row in rows.values() if row), default=-1) + 1
        values = "  ".join(
            f"{key} {row[1]:.4g}" for key, row in rows.items() if row and "loss" in key
        )
        protocol = curves.name if newest.parents[2] == curves else newest.parents[1].parent.name
        epochs = _epochs(self.runs[name], protocol)
        if not epochs:
            return Running(name, since, values)
        label = "" if protocol == curves.name else f"{protocol} "
        place = f"{label}epoch {step} of {epochs}, {since}"
        part = step / epochs if not label else 0.0  # of several trainings, none says it of all
        return Running(name, place, values, min(part, 1.0), _seconds(name, newest))


def _values(entry: dict[str, Any]) -> dict[str, Any]:
    return entry.get("params", {}).get(PLAN.name, {})


def _same(ours: Any, theirs: Any) -> bool:
    """Whether two values of YAML are the same; `1e-05` is a number in one reader's eyes only."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return ours.keys() == theirs.keys() and all(_same(ours[k], theirs[k]) for k in ours)
    if isinstance(ours, list) and isinstance(theirs, list):
        return len(ours) == len(theirs) and all(map(_same, ours, theirs))
    if isinstance(ours, float) and isinstance(theirs, str):
        try:
            return ours == float(theirs)
        except ValueError:
            return False
    return ours == theirs


def _unchanged(dependency: dict[str, Any]) -> bool:
    """Of the plan as a whole, which the report depends on; others are results or code."""
    if dependency["path"] != PLAN.name:
        return True
    return hashlib.md5(PLAN.read_bytes()).hexdigest() == dependency.get("md5")


def _epochs(run: Run, protocol: str) -> int:
    """Of a training; 0 for one that is not counted in epochs."""
    settings = run.settings.get(protocol.removesuffix("_untrained"))
    recipe = settings.recipe if settings is not None else run.settings.get("recipe")
    return recipe.epochs if recipe is not None else 0


def _last_row(path: Path) -> tuple[int, float] | None:
    """Epoch, from 0, and value; None for a file that is just being written."""
    try:
        epoch, value = path.read_text().splitlines()[-1].split("\t")
        return int(epoch), float(value)
    except (IndexError, OSError, ValueError):
        return None


def _age(path: Path) -> float | None:
    """Seconds since a file was written."""
    try:
        return max(0.0, time.time() - path.stat().st_mtime)
    except OSError:
        return None


def _seconds(name: str, curve: Path) -> float | None:
    """What a run had taken, over all its starts, when its curve was written: as its checkpoint
    says, and since that was saved."""
    for path in (CHECKPOINTS / name).glob("*.ckpt"):
        if not path.name.endswith(".before.ckpt"):
            try:
                with path.open("rb") as file:
                    spent = json.loads(file.read(HEAD).partition(b"\n")[0])["seconds"]
                return spent + curve.stat().st_mtime - path.stat().st_mtime
            except (KeyError, OSError, ValueError):
                continue
    return None


def in_words(seconds: float) -> str:
    """`40 s`, `12 min`, `3.5 hours`, `2.5 days`."""
    for size, unit in ((86400, "days"), (3600, "hours")):
        if seconds >= 1.5 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"


def snakemake_at_work() -> bool:
    """By the process that its lock names: to try the lock would refuse a start at that moment."""
    try:
        process = psutil.Process(int(MAIN_LOCK.read_text()))
        return "snakemake" in " ".join(process.cmdline())
    except (OSError, ValueError, psutil.Error):
        return False
