"""How long a plan takes on a number of devices: each run on as many as it asks for, the longest
remaining chain first."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from functools import cache
from typing import Any

from stages.runs.lines import RUNS, upstream

Edges = dict[str, list[str]]


def upstream_of(params: dict[str, Any]) -> Edges:
    """For every run, `<stage>/<name>`, the runs whose files it reads, as in dvc.yaml."""
    return {
        f"{stage}/{name}": upstream(stage, line)
        for stage in RUNS
        for name, line in params[stage].items()
    }


def makespan(
    hours: dict[str, float], upstream: Edges, devices: int, asked: dict[str, int] | None = None
) -> float:
    """Hours until the last run has ended. A run takes its device-hours, shared by the devices that
    it `asked` for (one if not said), or by all if there are fewer."""
    width = {run: min((asked or {}).get(run, 1), devices) for run in hours}
    taken = {run: hours[run] / width[run] for run in hours}
    downstream: Edges = {run: [] for run in hours}
    for run, needed in upstream.items():
        for other in needed:
            downstream[other].append(run)
    behind = _hours_to_the_end(taken, downstream)
    waits_for = {run: len(upstream[run]) for run in hours}
    ready = [(-behind(run), run) for run in hours if not waits_for[run]]
    heapq.heapify(ready)
    running: list[tuple[float, str]] = []
    now, free = 0.0, devices
    while ready or running:
        while ready and width[ready[0][1]] <= free:
            _, run = heapq.heappop(ready)
            free -= width[run]
            heapq.heappush(running, (now + taken[run], run))
        now, ended = heapq.heappop(running)
        free += width[ended]
        for run in downstream[ended]:
            waits_for[run] -= 1
            if not waits_for[run]:
                heapq.heappush(ready, (-behind(run), run))
    return now


def _hours_to_the_end(hours: dict[str, float], downstream: Edges) -> Callable[[str], float]:
    @cache
    def behind(run: str) -> float:
        return hours[run] + max((behind(other) for other in downstream[run]), default=0.0)

    return behind
