"""Your own images: what the runs measured, and which network is the best.

There is no paper to compare with: nothing was reported.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from nassl.files import InputError
from stages.report.evidence.asked import PlannedOwnRow
from stages.report.evidence.data import Leak, guessing, leaks_of
from stages.report.evidence.runs import Evidence, Measured
from stages.report.numbers.margins import chance
from stages.report.numbers.rows import Spread
from stages.report.numbers.statistics import deviation, mean

ACCURACIES = (
    "linear_accuracy", "linear_accuracy_untrained", "knn_accuracy", "knn_accuracy_untrained",
    "finetune_accuracy",
)  # fmt: skip
# How an architecture came about: by a search, drawn at random, or published.
SEARCHED, RANDOM, PUBLISHED = "searched", "random", "published"
# What `nassl.load` reads, and the model card.
NETWORK = ("weights.safetensors", "genotype.json", "model.json", "README.md")


@dataclass(frozen=True)
class Pretrained:
    """A seed's `<stage>/<run>` with its last pretraining loss."""

    run: str
    final_loss: float


@dataclass(frozen=True)
class OwnRow:
    """Held-out contrastive losses in nats, the pretraining loss in `loss_unit`, accuracies in
    percent per seed, sizes of one network, time of all runs. `candidates` are the held-out
    contrastive losses of all that one was selected from."""

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
    values: dict[str, tuple[float, ...]]
    leaks: tuple[Leak, ...]
    origin: str = SEARCHED
    candidates: tuple[float, ...] = ()
    candidates_chance: float | None = None  # their loss if all similarities are equal
    pretraining_chance: float | None = None  # the same of `final_loss`; None for other objectives
    loss_unit: str = "nats"  # "": it has none
    guessing: float | None = None  # accuracy of always naming the most frequent class, in percent

    @property
    def accuracies(self) -> dict[str, Spread]:
        return {key: Spread(mean(of), deviation(of)) for key, of in self.values.items()}

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
    scores = _scores(row.selection, evidence) if selected else []
    share = guessing(evidence, row.data)
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
        values={
            key: values
            for key in ACCURACIES
            if len(values := tuple(run.percent(key) for run in runs if key in run)) == len(runs)
        },
        leaks=leaks_of(evidence, row.runs),
        origin=_origin(row, evidence),
        candidates=tuple(found["contrastive_loss"] for found in scores),
        candidates_chance=chance(scores[0]) if scores else None,
        pretraining_chance=_pretraining_chance(row.pretrained[0], trained[0], evidence),
        loss_unit=evidence.loss_unit(*row.pretrained[0].split("/", 1)),
        guessing=None if share is None else 100 * share,
    )


def _origin(row: PlannedOwnRow, evidence: Evidence) -> str:
    names = [search.partition("/")[2] for search in row.searches[:1]]
    entries = [evidence.lines["search"].get(name, {}).get("strategy") for name in names]
    strategies = evidence.plan.get("strategy") or {}
    kinds = [(strategies.get(entry) or {}).get("kind") for entry in entries]
    return {"random": RANDOM, "manual": PUBLISHED}.get(*kinds, SEARCHED) if kinds else SEARCHED


def _scores(selection: str, evidence: Evidence) -> list[dict[str, Any]]:
    """metrics.json of every candidate that was scored contrastively."""
    line = evidence.lines["select"].get(selection.partition("/")[2], {})
    found = [evidence.metrics("score", run) or {} for run in line.get("candidates", ())]
    return [metrics for metrics in found if "contrastive_loss" in metrics]


def _pretraining_chance(run: str, trained: Measured, evidence: Evidence) -> float | None:
    """Only SimCLR's loss has the batch in it."""
    line = evidence.lines["pretrain"].get(run.partition("/")[2], {})
    objective = (evidence.plan.get("objective") or {}).get(line.get("objective")) or {}
    if objective.get("kind") != "simclr" or "final_loss" not in trained:
        return None
    return chance({"contrastive_loss": None, **trained.metrics})
