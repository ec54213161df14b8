"""A table with its rows: what the paper reports and what the runs measured, by type.

Accuracies, errors and APs are in percent; what there is one number of per metric is keyed by the
table's metrics.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from stages.report.evidence.data import Leak
from stages.report.evidence.reported import ReportedRow, ReportedTable
from stages.report.numbers.verdicts import DISAGREES, verdict


@dataclass(frozen=True)
class Spread:
    """Mean and sample standard deviation (None of one value)."""

    mean: float
    std: float | None


@dataclass(frozen=True)
class Result(Spread):
    """Over seeds. `difference`: mean minus reported; `interval95`: of the mean, from 3 seeds on."""

    difference: float
    interval95: tuple[float, float] | None


@dataclass(frozen=True)
class Seed:
    """A run `<stage>/<run>`, its values by metric, and the run that was subtracted from it."""

    run: str
    values: dict[str, float]
    minus: str | None = None


@dataclass(frozen=True)
class Reproduced:
    """What the runs of a row measured, over all seeds."""

    seeds: tuple[Seed, ...]
    results: dict[str, Result]  # by metric
    params_million: float | None
    flops: float | None  # multiply-adds of one image
    search_device_days: float | None  # of all seeds' searches; None where nothing was searched
    search_device: str | None
    training_seconds: float
    device: str | None
    extra: dict[str, float]  # what was measured besides the table's metrics, in percent
    ssl_gain: float | None  # linear accuracy, pretrained over random weights
    data: str | None  # a stand-in is named: digits for CIFAR-10
    leaks: tuple[Leak, ...]  # test images that were trained on

    @property
    def n(self) -> int:
        return len(self.seeds)

    def of(self, metric: str) -> tuple[float, ...]:
        """The value of every seed."""
        return tuple(seed.values[metric] for seed in self.seeds)


@dataclass(frozen=True)
class Row:
    """`here` is None where the plan does not make the row."""

    reported: ReportedRow
    here: Reproduced | None

    @property
    def label(self) -> str:
        return self.reported.label


@dataclass(frozen=True)
class Standing:
    """A row in a comparison of one metric, with the value of every seed."""

    row: Row
    reported: float
    result: Result
    values: tuple[float, ...]

    @property
    def label(self) -> str:
        return self.row.label


@dataclass(frozen=True)
class Comparison:
    """Two rows that the paper orders by `metric`. Where the metric is itself a difference of two
    methods, `ahead` is its row and there is none `behind`."""

    metric: str
    ahead: Standing  # in the paper
    behind: Standing | None
    as_reported: bool  # whether the means are in the paper's order
    p: float | None  # of a two-sided test that there is no difference; None where none can be made
    adjusted: float | None = None  # for all comparisons of the table

    @property
    def sides(self) -> tuple[Standing, ...]:
        return (self.ahead,) if self.behind is None else (self.ahead, self.behind)

    @property
    def verdict(self) -> str:
        return verdict(self.adjusted, self.as_reported)


@dataclass(frozen=True)
class Line:
    """A row in one metric."""

    row: Row
    metric: str
    first: bool  # of its row

    @property
    def reported(self) -> float:
        return self.row.reported.values[self.metric]

    @property
    def result(self) -> Result | None:
        return self.row.here.results[self.metric] if self.row.here else None


@dataclass(frozen=True)
class Table:
    """All rows of a paper's table, in the paper's order."""

    paper: ReportedTable
    scale: str
    commit: str
    rows: tuple[Row, ...]
    comparisons: tuple[Comparison, ...]

    @property
    def name(self) -> str:
        return self.paper.name

    @property
    def metrics(self) -> tuple[str, ...]:
        return self.paper.metrics

    @property
    def made(self) -> list[Row]:
        return [row for row in self.rows if row.here]

    @property
    def lines(self) -> Iterator[Line]:
        for row in self.rows:
            for place, metric in enumerate(self.metrics):
                yield Line(row, metric, place == 0)

    @property
    def against_paper(self) -> list[Comparison]:
        """What is known to be otherwise than in the paper."""
        return [one for one in self.comparisons if one.verdict == DISAGREES]

    @property
    def data(self) -> list[str]:
        """The data sets of the rows made here, each once."""
        return sorted({row.here.data for row in self.made if row.here.data})

    @property
    def devices(self) -> list[str]:
        return sorted({row.here.device for row in self.made if row.here.device})
