"""Your own images: what the runs measured, and which network is the best.

There is no paper to compare with: nothing was reported.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from nassl.files import InputError
from stages.report.evidence.asked import PlannedOwnRow
from stages.report.evidence.data import Leak, leaks_of
from stages.report.evidence.runs import Evidence
from stages.report.numbers.rows import Spread
from stages.report.numbers.statistics import deviation, mean

ACCURACIES = (
    "linear_accuracy", "linear_accuracy_untrained", "knn_accuracy", "knn_accuracy_untrained",
)  # fmt: skip
NETWORK = ("weights.safetensors", "genotype.json", "model.json")  # what `nassl.load` reads


@dataclass(frozen=True)
class Pretrained:
    """A seed's `<stage>/<run>` with its last pretraining loss (nats)."""

    run: str
    final_loss: float


@dataclass(frozen=True)
class OwnRow:
    """Losses in nats, accuracies in percent over seeds, sizes of one network, time of all runs."""

    row: str
    data: str
    runs: tuple[str, ...]
    selected_contrastive_loss: float | None  # None where nothing was selected
    pretrained: tuple[Pretrained, ...]
    n_trained_on: int
    n_tested_on: int
    params_million: float
    flops: float
    seconds: float
    accuracies: dict[str, Spread]
    leaks: tuple[Leak, ...]

    @property
    def n(self) -> int:
        return len(self.runs)

    @property
    def final_loss(self) -> float:
        return mean([seed.final_loss for seed in self.pretrained])


@dataclass(frozen=True)
class Best:
    selected_contrastive_loss: float
    final_loss: float
    run: str
    row: str


@dataclass(frozen=True)
class OwnTable:
    scale: str
    commit: str
    rows: tuple[OwnRow, ...]
    best: Best | None

    @property
    def measured(self) -> list[str]:
        """The accuracies that at least one row has."""
        return [key for key in ACCURACIES if any(key in row.accuracies for row in self.rows)]


def collect_own(
    rows: Iterable[PlannedOwnRow], scale: str, evidence: Evidence, commit: str
) -> OwnTable:
    """The best network has the selection with the lowest contrastive loss on held-out images and,
    of its seeds, the lowest loss of pretraining: no label is read. Raises InputError if a run is
    missing or lacks a value, or if the best one lacks a file of its network."""
    content = tuple(_row(row, evidence) for row in rows)
    judged = [
        (row.selected_contrastive_loss, seed.final_loss, seed.run, row.row)
        for row in content
        if row.selected_contrastive_loss is not None
        for seed in row.pretrained
    ]
    best = Best(*min(judged)) if judged else None
    for name in NETWORK if best else ():
        if not (file := evidence.results / best.run / name).exists():
            raise InputError(
                f"{file} is missing; make it with `dvc repro {best.run.replace('/', '@', 1)}`"
            )
    return OwnTable(scale, commit, content, best)


def _row(row: PlannedOwnRow, evidence: Evidence) -> OwnRow:
    trained = [evidence.measured(run) for run in row.pretrained]
    runs = [evidence.measured(run) for run in row.runs]
    selected = row.selection.startswith("select/")
    spent = dict.fromkeys([*row.searches, *row.pretrained, *row.runs])
    return OwnRow(
        row=row.row,
        data=row.data,
        runs=tuple(row.runs),
        selected_contrastive_loss=(
            evidence.measured(row.selection).value("score") if selected else None
        ),
        pretrained=tuple(
            Pretrained(run, found.value("final_loss"))
            for run, found in zip(row.pretrained, trained, strict=True)
        ),
        n_trained_on=trained[0].value("n_trained_on"),
        n_tested_on=runs[0].metrics.get("n", 0),
        params_million=trained[0].value("params") / 1e6,
        flops=trained[0].value("flops"),
        seconds=sum(evidence.spent(run).seconds for run in spent),
        accuracies={
            key: Spread(mean(values), deviation(values))
            for key in ACCURACIES
            if len(values := [run.percent(key) for run in runs if key in run]) == len(runs)
        },
        leaks=leaks_of(evidence, row.runs),
    )
