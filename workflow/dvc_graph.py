"""DVC's resolved stages for Snakemake: which jobs there are, what each waits for, what is stale.

DVC alone decides whether a result is valid. A job leaves a flag in `.snakemake/dvc/`; flags of
stale jobs, and of all jobs that follow from them, are taken away when the workflow starts, so that
Snakemake runs these and no others. It may be stopped and started at any time.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import networkx
from dvc.dependency import param
from dvc.repo import Repo

FLAGS = Path(".snakemake/dvc")
MISSING = object()
UNSAFE = re.compile(r"[^A-Za-z0-9 ./_=:,@+%-]")  # in a command, which DVC hands to a shell


class Graph:
    """`upstream[stage]` are the stages whose outputs `stage` reads; names are DVC's addresses."""

    def __init__(self) -> None:
        self.repo = Repo(".")
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
        """Of the longest chain that waits for a stage: whoever has more behind it starts first."""
        steps = dict.fromkeys(self.upstream, 0)
        for name in networkx.topological_sort(self.repo.index.graph):
            for needed in self.upstream[name.addressing]:
                steps[needed] = max(steps[needed], steps[name.addressing] + 1)
        return max(count for name, count in steps.items() if name.partition("@")[0] == family)

    def take_away_stale_flags(self) -> list[str]:
        """Flags that remain carry one old time, so that none looks newer than what follows it."""
        with params_read_once():
            stale = {name.rpartition(":")[2] for name in self.repo.status()}
        stale |= {name for name in self.upstream if self._has_ancestor(name, stale)}
        FLAGS.mkdir(parents=True, exist_ok=True)
        for name in self.upstream:
            path = Path(flag(name))
            if name in stale:
                path.unlink(missing_ok=True)
            else:
                path.touch()
                os.utime(path, (0, 0))
        return sorted(stale)

    def _has_ancestor(self, name: str, wanted: set[str]) -> bool:
        pending, seen = list(self.upstream[name]), set()
        while pending:
            ancestor = pending.pop()
            if ancestor in wanted:
                return True
            if ancestor not in seen:
                seen.add(ancestor)
                pending += self.upstream[ancestor]
        return False


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


def flag(name: str) -> str:
    return str(FLAGS / f"{name}.done")
