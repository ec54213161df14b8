"""DVC's resolved stages for Snakemake: which jobs there are, what each waits for, what is stale.

DVC alone decides whether a result is valid. A job leaves a flag in `.snakemake/dvc/`; flags of
stale jobs, and of all jobs that depend on them, are removed when the workflow starts, so that
Snakemake runs exactly these. It may be stopped and started at any time.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from functools import cache
from pathlib import Path
from typing import Any

import dvc.rwlock
import networkx
from dvc.dependency import param
from dvc.exceptions import DvcException
from dvc.logger import set_loggers_level
from dvc.repo import Repo, lock_repo
from dvc_job import HEAD, allow_empty_run_folders
from locks import running_jobs

FLAGS = Path(".snakemake/dvc")
MISSING = object()
UNSAFE = re.compile(r"[^A-Za-z0-9 ./_=:,@+%-]")  # in a command, which DVC hands to a shell


class Graph:
    """`upstream[stage]` are the stages whose outputs `stage` reads; names are DVC's addresses."""

    def __init__(self) -> None:
        self.repo = Repo(".", _wait_for_lock=True)  # a job of an earlier start may be storing files
        graph = self.repo.index.graph
        for stage in graph:
            if stage.cmd and (found := UNSAFE.search(stage.cmd)):
                raise ValueError(
                    f"the command of {stage.addressing} holds {found[0]!r}, which a shell may read "
                    f"as something else: {stage.cmd}; write the plan with `python -m stages.plan`"
                )
        self.upstream = {stage.addressing: [] for stage in graph}
        for stage, needed in graph.edges:
            self.upstream[stage.addressing].append(needed.addressing)
        self.families = sorted({name.partition("@")[0] for name in self.upstream})

    def waits_for(self, name: str) -> list[str]:
        return [flag(needed) for needed in self.upstream[name]]

    def steps_to_the_end(self, family: str) -> int:
        """Length of the longest chain that waits for a stage; stages with longer chains start
        first."""
        steps = dict.fromkeys(self.upstream, 0)
        for name in networkx.topological_sort(self.repo.index.graph):
            for needed in self.upstream[name.addressing]:
                steps[needed] = max(steps[needed], steps[name.addressing] + 1)
        return max(count for name, count in steps.items() if name.partition("@")[0] == family)

    def take_away_stale_flags(self) -> set[str]:
        """Flags that remain carry one old time, so that none looks newer than what follows it.
        A job that an earlier start left running is stale: its own job waits for it."""
        stale = self.with_followers(running_jobs())
        with params_read_once(), paths_not_locked(), lock_repo(self.repo):
            stages = [s for s in self.repo.index.stages if s.addressing not in stale]
            changed = {stage.addressing for stage in stages if stage.status()}
        stale |= self.with_followers(changed)
        FLAGS.mkdir(parents=True, exist_ok=True)
        for name in self.upstream:
            path = Path(flag(name))
            if name in stale:
                path.unlink(missing_ok=True)
            else:
                path.touch()
                os.utime(path, (0, 0))
        return stale

    def with_followers(self, names: Iterable[str]) -> set[str]:
        """Stages, and all that follow from them."""
        found = {name for name in names if name in self.upstream}
        stages = {stage.addressing: stage for stage in self.repo.index.graph}
        for name in tuple(found):
            found |= {s.addressing for s in networkx.ancestors(self.repo.index.graph, stages[name])}
        return found

    def what_runs(self, stale: set[str]) -> str:
        """For the user, before anything runs: what comes back from DVC's run cache, and what does
        not. As far as today's inputs say: results that change make others change."""
        if not stale:
            return "Everything is up to date."
        cached = self._in_run_cache(stale)
        text = (
            f"{len(stale)} of {len(self.upstream)} stages are not up to date: {len(cached)} come "
            f"back from DVC's run cache, {len(stale) - len(cached)} run"
        )
        if self.knew_more and not Path(self.repo.stage_cache.cache_dir).is_dir():
            text += "; this copy has no run cache: `dvc pull --run-cache` fetches what was pushed"
        return text

    @property
    def knew_more(self) -> bool:
        """Whether dvc.lock, or one that was moved aside, lists results."""
        return any(path.stat().st_size > len(HEAD) for path in Path(".").glob("dvc.lock*"))

    def _in_run_cache(self, names: set[str]) -> set[str]:
        found = set()
        allow_empty_run_folders()
        with (
            set_loggers_level(logging.WARNING),
            params_read_once(),
            paths_not_locked(),
            lock_repo(self.repo),
        ):
            for stage in self.repo.index.stages:
                if stage.addressing in names:
                    with suppress(DvcException, FileNotFoundError):  # then it runs
                        for dependency in stage.deps:
                            if dependency.exists:  # otherwise dvc.lock may know its hash
                                dependency.save()
                        self.repo.stage_cache.restore(stage, dry=True)
                        found.add(stage.addressing)
        return found


@contextmanager
def params_read_once() -> Iterator[None]:
    """DVC parses params.yaml for every stage and walks all of it for every key: minutes for a
    thousand runs. Meanwhile the file is parsed once, and plain keys are looked up."""
    read_whole = param.read_param_file
    parsed = cache(lambda fs, path: read_whole(fs, path))

    def read(fs: Any, path: str, key_paths: list[str] | None = None, flatten: bool = False) -> Any:
        if not (key_paths and flatten) or any(set("*?[") & set(key) for key in key_paths):
            return read_whole(fs, path, key_paths, flatten)
        found = {}
        for key in key_paths:
            value = parsed(fs, path)
            for part in key.split("."):
                value = value.get(part, MISSING) if isinstance(value, dict) else MISSING
            if value is not MISSING:
                found[key] = value
        return found

    param.read_param_file = read
    try:
        yield
    finally:
        param.read_param_file = read_whole


@contextmanager
def paths_not_locked() -> Iterator[None]:
    """Nothing is noted in, or refused because of, DVC's list of paths in use: for looking at stages
    that no running job touches."""
    lock = dvc.rwlock.rwlock
    dvc.rwlock.rwlock = lambda *_: nullcontext()
    try:
        yield
    finally:
        dvc.rwlock.rwlock = lock


def flag(name: str) -> str:
    return str(FLAGS / f"{name}.done")
