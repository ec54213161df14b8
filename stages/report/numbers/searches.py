"""What the searches recorded: curves by quantity and objective, and which searches collapsed."""

from __future__ import annotations

from dataclasses import dataclass

from nassl.settings import OBJECTIVES
from stages.report.evidence.runs import Evidence

# Curve of a search -> its name with its unit (a loss has its objective's), and whether it only
# takes whole numbers; in the order in which they are shown.
QUANTITIES = {
    "validation_loss": ("validation loss", False),
    "train_loss": ("training loss", False),
    "entropy_normal": ("entropy of alpha, normal cell (nats)", False),
    "entropy_reduce": ("entropy of alpha, reduction cell (nats)", False),
    "entropy": ("entropy of alpha (nats)", False),
    "skip_connections": ("skip connections, normal cell", True),
    "operations_left": ("operations left at a place", True),
    "sub_network_parameters": ("sub-network (million parameters)", False),
}

Points = list[tuple[float, float]]  # (epoch from 1, value)


@dataclass(frozen=True)
class Curves:
    """A quantity of the searches (run -> points) that can be compared; losses of different
    objectives cannot, and name theirs."""

    quantity: str
    objective: str  # only of losses
    runs: dict[str, Points]
    unit: str = ""  # only of losses: the others' names have theirs


@dataclass(frozen=True)
class Searches:
    """The searches of one data set in one space that recorded anything: run -> method."""

    data: str
    space: str
    methods: dict[str, str]
    curves: tuple[Curves, ...]


def searches(evidence: Evidence) -> list[Searches]:
    groups: dict[tuple[str, str], dict[str, str]] = {}
    for run, line in evidence.lines["search"].items():
        if any(evidence.curve("search", run, name) for name in QUANTITIES):
            group = groups.setdefault((line["data"], line["space"]), {})
            group[run] = evidence.method("search", run)
    return [
        Searches(data, space, methods, tuple(_curves(evidence, list(methods))))
        for (data, space), methods in groups.items()
    ]


def collapsed(evidence: Evidence) -> tuple[int, int]:
    """(collapsed, all) of the searches that say whether they did."""
    known = [
        metrics["collapsed"]
        for run in evidence.lines["search"]
        if "collapsed" in (metrics := evidence.metrics("search", run) or {})
    ]
    return sum(known), len(known)


def _curves(evidence: Evidence, runs: list[str]) -> list[Curves]:
    found = []
    for name in QUANTITIES:
        for objective, members in _by_objective(evidence, runs, name).items():
            drawn = {run: evidence.curve("search", run, name) for run in members}
            if drawn := {run: points for run, points in drawn.items() if points}:
                unit = evidence.loss_unit("search", members[0]) if objective else ""
                found.append(Curves(name, objective, drawn, unit))
    return found


def _by_objective(evidence: Evidence, runs: list[str], name: str) -> dict[str, list[str]]:
    if not name.endswith("_loss"):
        return {"": runs}
    kinds: dict[str, list[str]] = {}
    for run in runs:
        entry = evidence.lines["search"][run].get("objective")
        objective = evidence.plan.get("objective", {}).get(entry) or {}
        kind = objective.get("kind", "")
        loss = OBJECTIVES[kind].loss_name if kind in OBJECTIVES else ""
        kinds.setdefault(loss or objective.get("loss") or kind, []).append(run)
    return kinds
