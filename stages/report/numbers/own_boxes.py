"""Your own boxes: what the detectors reached, in all classes and in each, and what is known.

A pretrained detector is compared with the same detector trained from random weights, seed by seed,
and the searched network with the published one; better and worse mean what they do for own images
(`own_verdict`). How much the draw of the test images explains is not known of an average precision,
and is not asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nassl.files import InputError, read_json
from stages.report.evidence.asked import PlannedBoxesRow
from stages.report.evidence.data import Leak, leaks_of
from stages.report.evidence.runs import Evidence
from stages.report.numbers.own_verdict import BASELINE, PRETRAINING, Duel
from stages.report.numbers.rows import Spread
from stages.report.numbers.statistics import deviation, mean
from stages.report.numbers.verdicts import holm

METRICS = ("AP", "AP50")
BOX = "_box"  # how a layout with masks ends their names
START = ("pretrained", "random")
LEAST = 1.0  # percent of AP50: below, detectors find hardly anything, and nothing can be told


@dataclass(frozen=True)
class BoxesRow:
    """`values[start][metric]` in percent, a value per seed; `runs[start]` are those of the seeds;
    `classes[start][class][metric]` is the mean over seeds in percent."""

    row: str
    runs: dict[str, tuple[str, ...]]
    values: dict[str, dict[str, tuple[float, ...]]]
    classes: dict[str, dict[str, dict[str, float]]]
    iterations: int
    images_per_batch: int
    params_million: float  # of the network, without the detector's heads
    seconds: float  # of the runs of both starts
    ending: str  # of the metrics' names in the files

    def spread(self, start: str, metric: str) -> Spread:
        values = self.values[start][metric]
        return Spread(mean(values), deviation(values))


@dataclass(frozen=True)
class Counted:
    """Boxes of a class: those trained on, and those that had to be found in the test images."""

    name: str
    train: int
    test: int


@dataclass(frozen=True)
class BoxesTable:
    """`images` and `boxes` by part; `dropped`: the images of unusable boxes; `pretrained_on` is
    how many test images were in the images that networks were pretrained on, without their boxes,
    None if that is not known.
    `year` is that of VOC's metric, None in COCO's layout."""

    scale: str
    commit: str
    data: str
    layout: str
    year: int | None
    rows: tuple[BoxesRow, ...]
    classes: tuple[Counted, ...]
    images: dict[str, int]
    dropped: tuple[str, ...]
    leaks: tuple[Leak, ...]
    pretrained_on: int | None
    duels: tuple[Duel, ...]

    @property
    def n(self) -> int:
        """Seeds of the row with the fewest."""
        return min(len(row.runs[START[0]]) for row in self.rows)

    def of(self, question: str) -> tuple[Duel, ...]:
        return tuple(duel for duel in self.duels if duel.question == question)


def collect_boxes(
    rows: Iterable[PlannedBoxesRow], scale: str, evidence: Evidence, commit: str
) -> BoxesTable:
    """Raises InputError if a run is missing, lacks a value, or counts other boxes."""
    planned = list(rows)
    data = planned[0].data
    labels = evidence.folder("prepare", data) / "labels"
    manifest = read_json(labels / "manifest.json")
    listed = {run: _classes(evidence, run) for row in planned for run in [*row.runs, *row.random]}
    counted = {run: _counted(found) for run, found in listed.items()}
    first, classes = next(iter(counted.items()))
    for run, found in counted.items():
        if found != classes:
            raise InputError(
                f"{evidence.results / run}/classes.json counts other boxes than that of {first}; "
                f"run it again: `dvc repro --force {run.replace('/', '@', 1)}`"
            )
    content = tuple(_row(row, listed, evidence) for row in planned)
    return BoxesTable(
        scale=scale,
        commit=commit,
        data=data,
        layout=manifest["layout"],
        year=manifest.get("year") if manifest["layout"] == "voc" else None,
        rows=content,
        classes=classes,
        images=manifest["images"],
        dropped=tuple(str(box["image"]) for box in manifest["dropped"]),
        leaks=leaks_of(evidence, planned[0].runs),
        pretrained_on=_pretrained_on(evidence, planned[0], labels, manifest),
        duels=_judged(content),
    )


def _classes(evidence: Evidence, run: str) -> list[dict[str, Any]]:
    file = evidence.results / run / "classes.json"
    if not file.exists():
        raise InputError(f"{file} is missing; make it with `dvc repro {run.replace('/', '@', 1)}`")
    return read_json(file)


def _counted(found: list[dict[str, Any]]) -> tuple[Counted, ...]:
    return tuple(Counted(one["class"], one["train_boxes"], one["test_boxes"]) for one in found)


def _row(row: PlannedBoxesRow, listed: dict[str, Any], evidence: Evidence) -> BoxesRow:
    runs = dict(zip(START, (tuple(row.runs), tuple(row.random)), strict=True))
    measured = {run: evidence.measured(run) for some in runs.values() for run in some}
    metrics = measured[row.runs[0]]
    ending = BOX if f"{METRICS[0]}{BOX}" in metrics else ""
    return BoxesRow(
        row=row.row,
        runs=runs,
        values={
            start: {
                metric: tuple(measured[run].percent(f"{metric}{ending}") for run in some)
                for metric in METRICS
            }
            for start, some in runs.items()
        },
        classes={
            start: _mean_of_classes([listed[run] for run in some]) for start, some in runs.items()
        },
        iterations=metrics.value("iterations"),
        images_per_batch=metrics.value("images_per_batch"),
        params_million=metrics.value("params") / 1e6,
        seconds=sum(evidence.spent(run).seconds for run in measured),
        ending=ending,
    )


def _mean_of_classes(seeds: list[list[dict[str, Any]]]) -> dict[str, dict[str, float]]:
    """Of the classes with a test box."""
    return {
        one["class"]: {
            metric: mean([100 * found[place][metric] for found in seeds]) for metric in METRICS
        }
        for place, one in enumerate(seeds[0])
        if METRICS[0] in one
    }


def _pretrained_on(
    evidence: Evidence, row: PlannedBoxesRow, labels: Path, manifest: dict[str, Any]
) -> int | None:
    """Test images that lie in the folder that was pretrained on, but for those left out by name;
    None if the file with these names is not there any more."""
    stage, _, name = row.pretrained[0].partition("/")
    data = evidence.lines[stage].get(name, {}).get("data")
    settings = (evidence.plan.get("data") or {}).get(data) or {}
    if not settings.get("root"):
        return 0
    folder, left_out = Path(settings["root"]).resolve(), set()
    if without := settings.get("without"):
        if not Path(without).is_file():
            return None
        lines = Path(without).read_text("utf-8-sig").splitlines()
        left_out = {line.strip() for line in lines}
    root = (labels / manifest["root"]).resolve()
    files = [(root / image["file_name"]).resolve() for image in read_json(labels / "test.json")]
    return sum(
        file.is_relative_to(folder) and not left_out & {file.stem, file.name} for file in files
    )


def _judged(rows: tuple[BoxesRow, ...]) -> tuple[Duel, ...]:
    """p-values are adjusted for the number of comparisons of the table."""
    duels = [*_of_pretraining(rows), *_between(rows)]
    adjusted = holm([duel.p for duel in duels])
    return tuple(replace(duel, adjusted=p) for duel, p in zip(duels, adjusted, strict=True))


def _of_pretraining(rows: tuple[BoxesRow, ...]) -> Iterator[Duel]:
    for row in rows:
        names = f"{row.row}, pretrained", "from random weights"
        for metric in METRICS:
            sides = (row.values[start][metric] for start in START)
            yield Duel(PRETRAINING, metric, names, *sides, at_chance=_nothing(row))


def _between(rows: tuple[BoxesRow, ...]) -> Iterator[Duel]:
    """The first row against the others, pretrained alike."""
    one, *others = rows
    for other in others:
        for metric in METRICS:
            sides = (row.values[START[0]][metric] for row in (one, other))
            nothing = _nothing(one) and _nothing(other)
            yield Duel(BASELINE, metric, (one.row, other.row), *sides, at_chance=nothing)


def _nothing(row: BoxesRow) -> bool:
    """Whether hardly anything is found, by any of its detectors."""
    return all(mean(row.values[start]["AP50"]) < LEAST for start in START)
