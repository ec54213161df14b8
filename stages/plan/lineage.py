"""The runs of a plan, and what each comes from, along the runs whose files are read."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from typing import Any

from nassl.settings import SECTIONS
from nassl.settings.typed import typed
from stages.runs.lines import RUNS, upstream
from stages.runs.run import Run, resolve_run

Upstream = Callable[[str], list[str]]  # of a run, `<stage>/<name>`, the runs whose files it reads


def runs_of(params: dict[str, Any], *stages: str) -> list[Run]:
    """Of all stages unless some are given, with their settings."""
    sections = typed_sections(params)
    return [
        resolve_run(stage, name, params, "the plan", sections)
        for stage in stages or RUNS
        for name in params[stage]
    ]


def typed_sections(params: dict[str, Any]) -> dict[str, Any]:
    """`recipe.search` -> its settings, of all sections; an entry is typed once for its content,
    whichever plan it is in."""
    return {
        f"{section}.{name}": typed_section(params, section, name)
        for section in SECTIONS
        for name in params.get(section) or {}
    }


def typed_section(params: dict[str, Any], section: str, name: str) -> Any:
    """The settings of one entry."""
    return _typed(section, name, json.dumps(params[section][name]))


@cache
def _typed(section: str, name: str, content: str) -> Any:
    return typed(SECTIONS[section], json.loads(content), f"{section}.{name}")


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
