"""How long a plan takes on a number of devices: one run per device, the longest remaining chain
first."""

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


def makespan(hours: dict[str, float], upstream: Edges, devices: int) -> float:
    """Hours until the last run has ended, each occupying one device for its `hours`."""
    downstream: Edges = {run: [] for run in hours}
    for run, needed in upstream.items():
        for other in needed:
            downstream[other].append(run)
    behind = _hours_to_the_end(hours, downstream)
    waits_for = {run: len(upstream[run]) for run in hours}
    ready = [(-behind(run), run) for run in hours if not waits_for[run]]
    heapq.heapify(ready)
    running: list[tuple[float, str]] = []
    now = 0.0
    while ready or running:
        while ready and len(running) < devices:
            _, run = heapq.heappop(ready)
            heapq.heappush(running, (now + hours[run], run))
        now, ended = heapq.heappop(running)
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
