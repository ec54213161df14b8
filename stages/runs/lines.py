"""What a job asks for, and the line of params.yaml that describes a run of each stage."""

from __future__ import annotations

from dataclasses import dataclass


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


# ------------------------------------------------------------- lines of runs ----
# One line per run; every `str` field named like a section refers to an entry of that section.


@dataclass
class PrepareRun:
    data: str


@dataclass
class SearchRun:
    data: str
    labels: str  # labels | no-labels: the folder of the prepared data that the run may open
    space: str
    strategy: str
    objective: str
    recipe: str
    seed: int
    follows: str = ""  # file under results/ that must be there first: the genotype to start from
    initial: str = ""  # evolution starts from: random | resnet50 | search/<run>, as --initial


# A contrastive loss depends on the views drawn and on the other images of a batch. Every candidate
# meets the same draws, this many per image, so that the ranking does not depend on a single draw.
# The paper gives no number.
VIEW_PAIRS = 4


@dataclass
class ScoreRun:
    select: str  # the group of candidates that this one belongs to
    search: str  # the run whose genotype is scored
    data: str
    labels: str
    network: str
    objective: str
    recipe: str
    seed: int


@dataclass
class SelectRun:
    candidates: list[str]  # names of score runs
    criterion: str  # contrastive_loss | accuracy


@dataclass
class RetrainRun:
    data: str
    architecture: str  # select/<run> | search/<run>: whose genotype.json
    network: str
    objective: str
    recipe: str
    seed: int


@dataclass
class PretrainRun:
    data: str
    architecture: str
    network: str
    objective: str
    recipe: str
    seed: int
    searched_with_labels: bool = False  # declares that the architecture's search read labels


@dataclass
class ProbeRun:
    data: str
    pretrain: str
    init: str  # pretrained | random
    network: str
    linear: str
    finetune: str
    seed: int


@dataclass
class TransferRun:
    data: str  # with boxes
    weights: str  # pretrain/<run> | retrain/<run>: whose weights.safetensors and genotype.json
    pretrained_on: str  # the data of that run
    network: str
    detection: str
    seed: int


RUNS = {
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
REFERENCES = {
    "prepare": {"data": "data"},
    "search": {n: n for n in ("space", "strategy", "objective", "recipe")},
    "score": {n: n for n in ("network", "objective", "recipe")},
    "select": {},
    "retrain": {n: n for n in ("network", "objective", "recipe")},
    "pretrain": {n: n for n in ("network", "objective", "recipe")},
    "probe": {"network": "network", "linear": "protocol", "finetune": "protocol"},
    "transfer": {"network": "network", "detection": "detection"},
}
