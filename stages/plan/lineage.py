"""What a run comes from, along the runs whose files are read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from stages.runs.lines import upstream
from stages.runs.run import Run

Upstream = Callable[[str], list[str]]  # of a run, `<stage>/<name>`, the runs whose files it reads


def of_plan(params: dict[str, Any]) -> Upstream:
    """Between the lines of a plan."""

    def read(run: str) -> list[str]:
        stage, _, name = run.partition("/")
        return upstream(stage, params[stage][name])

    return read


def of_runs(runs: dict[str, Run]) -> Upstream:
    """Between the runs of a plan."""
    return lambda run: upstream(runs[run].stage, vars(runs[run].line))


def ancestry(run: str, upstream_of: Upstream) -> list[str]:
    """The runs that a run depends on, near ones first."""
    found = dict.fromkeys(upstream_of(run))
    for other in (pending := list(found)):
        new = [name for name in upstream_of(other) if name not in found]
        found.update(dict.fromkeys(new))
        pending += new
    return list(found)


def search_of(run: str, upstream_of: Upstream) -> str:
    """`search/<run>` that found the architecture of a run; of a selection, the first candidate's,
    which is of the same space as the others."""
    while not run.startswith("search/"):
        run = next(other for other in upstream_of(run) if not other.startswith("prepare/"))
    return run
