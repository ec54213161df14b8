"""What a job asks for, and the line of params.yaml that describes a run of each stage.

A line is short because it refers: to entries of sections, and to the runs whose files it reads.
Both are said here, on the fields, and nowhere else but in dvc.yaml, which tracks them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, ClassVar


@dataclass
class Resources:
    """What a job of a stage asks for. `threads` also fixes torch's, so that bits do not depend on
    how many cores the scheduler had."""

    threads: int
    memory_mb: int
    gpus: int
    retries: int
    minutes: int
    environment: str = "nassl"  # workflow/envs/<environment>.yaml


# ------------------------------------------------ what a field names: its metadata ----


def entry(section: str) -> dict[str, Any]:
    """An entry of a section."""
    return {"section": section}


def run_of(stage: str) -> dict[str, Any]:
    """A run of a stage whose files are read, or a list of them."""
    return {"stages": (stage,), "read": True}


def group_of(stage: str) -> dict[str, Any]:
    """The run that this one is made for."""
    return {"stages": (stage,), "read": False}


def run_of_any(*stages: str) -> dict[str, Any]:
    """`<stage>/<run>` whose files are read. Where the field has a default, a value without a stage
    names no run."""
    return {"stages": stages, "read": True, "with_stage": True}


# ------------------------------------------------------------- lines of runs ----


@dataclass
class Line:
    """The line of a run. Its results are in results/<stage>/<run>, or in a folder below
    results/<stage> that the field `folder` names."""

    folder: ClassVar[str] = ""


@dataclass
class PrepareRun(Line):
    data: str = field(metadata=entry("data"))


@dataclass
class SearchRun(Line):
    data: str = field(metadata=run_of("prepare"))
    labels: str  # labels | no-labels: the folder of the prepared data that the run may open
    space: str = field(metadata=entry("space"))
    strategy: str = field(metadata=entry("strategy"))
    objective: str = field(metadata=entry("objective"))
    recipe: str = field(metadata=entry("recipe"))
    seed: int
    follows: str = ""  # file under results/ that must be there first: the genotype to start from
    # An evolution starts from: random | resnet50 | search/<run>, as --initial.
    initial: str = field(metadata=run_of_any("search"), default="")


# A contrastive loss depends on the views drawn and on the other images of a batch. Every candidate
# meets the same draws, this many per image, so that the ranking does not depend on a single draw.
# The paper gives no number.
VIEW_PAIRS = 4


@dataclass
class ScoreRun(Line):
    select: str = field(metadata=group_of("select"))  # whose candidate this one is
    search: str = field(metadata=run_of("search"))  # whose genotype is scored
    data: str = field(metadata=run_of("prepare"))
    labels: str
    network: str = field(metadata=entry("network"))
    objective: str = field(metadata=entry("objective"))
    recipe: str = field(metadata=entry("recipe"))
    seed: int
    beside: bool = False  # also scores at parts of the budget, and scores that need no training

    folder: ClassVar[str] = "select"


@dataclass
class SelectRun(Line):
    candidates: list[str] = field(metadata=run_of("score"))
    criterion: str  # contrastive_loss | accuracy


@dataclass
class RetrainRun(Line):
    data: str = field(metadata=run_of("prepare"))
    architecture: str = field(metadata=run_of_any("select", "search"))  # whose genotype.json
    network: str = field(metadata=entry("network"))
    objective: str = field(metadata=entry("objective"))
    recipe: str = field(metadata=entry("recipe"))
    seed: int


@dataclass
class PretrainRun(Line):
    data: str = field(metadata=run_of("prepare"))
    architecture: str = field(metadata=run_of_any("select", "search"))
    network: str = field(metadata=entry("network"))
    objective: str = field(metadata=entry("objective"))
    recipe: str = field(metadata=entry("recipe"))
    seed: int
    searched_with_labels: bool = False  # declares that the architecture's search read labels


PRETRAINED = "pretrained"  # a run's `init`


@dataclass
class ProbeRun(Line):
    data: str = field(metadata=run_of("prepare"))
    pretrain: str = field(metadata=run_of("pretrain"))
    init: str  # pretrained | random
    network: str = field(metadata=entry("network"))
    linear: str = field(metadata=entry("protocol"))
    finetune: str = field(metadata=entry("protocol"))
    seed: int


@dataclass
class TransferRun(Line):
    data: str = field(metadata=run_of("prepare"))  # with boxes
    # Whose weights.safetensors and genotype.json.
    weights: str = field(metadata=run_of_any("pretrain", "retrain"))
    pretrained_on: str = field(metadata=run_of("prepare"))  # the data of that run
    network: str = field(metadata=entry("network"))
    detection: str = field(metadata=entry("detection"))
    seed: int
    init: str = PRETRAINED  # pretrained | random: what the detector's training starts from


RUNS: dict[str, type[Line]] = {  # in the order of the graph
    "prepare": PrepareRun,
    "search": SearchRun,
    "score": ScoreRun,
    "select": SelectRun,
    "retrain": RetrainRun,
    "pretrain": PretrainRun,
    "probe": ProbeRun,
    "transfer": TransferRun,
}

# Which of a line's fields name an entry of which section, per stage: exactly the sections that the
# stage reads and that dvc.yaml tracks for it.
REFERENCES: dict[str, dict[str, str]] = {
    stage: {f.name: f.metadata["section"] for f in fields(line) if "section" in f.metadata}
    for stage, line in RUNS.items()
}


# --------------------------------------------------------- from run to run ----


@dataclass(frozen=True)
class Reference:
    """The field of a line, and a run that it names."""

    field: str
    value: str  # as it is written
    run: str  # <stage>/<name>
    stages: tuple[str, ...]  # of which it may be
    read: bool  # whether files of that run are read


def references(stage: str, line: Mapping[str, Any]) -> Iterator[Reference]:
    """What the line (in params.yaml, or `vars` of a typed one) of a run of the stage refers to."""
    for each in fields(RUNS[stage]):
        named, value = each.metadata, line.get(each.name)
        if "stages" not in named or not value:
            continue
        for name in value if isinstance(value, list) else [value]:
            run = name if named.get("with_stage") else f"{named['stages'][0]}/{name}"
            if "/" in run or each.default is MISSING:
                yield Reference(each.name, name, run, named["stages"], named["read"])


def upstream(stage: str, line: Mapping[str, Any]) -> list[str]:
    """`<stage>/<run>` of the runs whose files the run reads, as in dvc.yaml."""
    return [reference.run for reference in references(stage, line) if reference.read]


def results_folder(stage: str, name: str, line: Mapping[str, Any]) -> str:
    """Where dvc.yaml puts the run's results, below results/."""
    group = RUNS[stage].folder
    return f"{stage}/{line[group]}/{name}" if group else f"{stage}/{name}"
