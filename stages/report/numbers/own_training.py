"""Your own images: how the loss of pretraining went, and whether it still falls."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from scipy.stats import linregress

from stages.report.evidence.runs import Evidence
from stages.report.numbers.own import OwnTable
from stages.report.numbers.searches import Points

FALLS, LEVEL_OFF, TOO_SHORT = "falls", "level", "too short"
LEAST_EPOCHS = 6  # three points in the second half: the fewest that a slope can be tested on
LEAST_FALL = 0.01  # of the loss over the second half of the epochs; less is not worth more of them


@dataclass(frozen=True)
class Trend:
    """Over the second half of the `epochs`: by which fraction of itself the loss fell, along a
    straight line. `recipe` is the plan's name of how it was trained."""

    epochs: int
    fall: float
    verdict: str
    recipe: str = ""


@dataclass(frozen=True)
class Training:
    """A row's runs -> (epoch from 1, training loss); the loss' unit, "" for one without."""

    row: str
    runs: dict[str, Points]
    unit: str = "nats"


def in_unit(name: str, units: Iterable[str]) -> str:
    """`training loss (nats)`, where all of what is shown has one unit and that has a name."""
    (unit, *others) = set(units)
    return f"{name} ({unit})" if unit and not others else name


def trainings(table: OwnTable, evidence: Evidence) -> list[Training]:
    """Of the rows that left a curve."""
    found = []
    for row in table.rows:
        curves = {seed.run: _curve(seed.run, evidence) for seed in row.pretrained}
        if curves := {run: points for run, points in curves.items() if points}:
            found.append(Training(row.row, curves, row.loss_unit))
    return found


def best_trend(table: OwnTable, evidence: Evidence) -> Trend | None:
    """Of the best network, or the first where none was selected; None if it left no curve."""
    run = table.best.run if table.best else table.rows[0].pretrained[0].run
    found = trend(_curve(run, evidence))
    line = evidence.lines["pretrain"].get(run.partition("/")[2], {})
    return replace(found, recipe=line.get("recipe", "")) if found else None


def trend(points: Sequence[tuple[float, float]]) -> Trend | None:
    """None without a curve. The loss *falls* if a straight line through the second half goes down
    (one-sided test at 95 %), by at least a hundredth of the loss."""
    finite = [(epoch, loss) for epoch, loss in points if math.isfinite(loss)]
    if not finite:
        return None
    if len(finite) < LEAST_EPOCHS:
        return Trend(len(finite), 0.0, TOO_SHORT)
    x, y = zip(*finite[len(finite) // 2 :], strict=True)
    if len(set(y)) == 1:
        return Trend(len(finite), 0.0, LEVEL_OFF)
    line = linregress(x, y, alternative="less")
    fall = -line.slope * (x[-1] - x[0]) / (sum(y) / len(y))
    falls = line.pvalue < 0.05 and fall >= LEAST_FALL
    return Trend(len(finite), float(fall), FALLS if falls else LEVEL_OFF)


def _curve(run: str, evidence: Evidence) -> Points:
    stage, _, name = run.partition("/")
    return evidence.curve(stage, name, "train_loss") if name in evidence.lines[stage] else []
