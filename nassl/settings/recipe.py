"""Section `recipe`; also a part of protocols."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Recipe:
    """How weights are trained."""

    epochs: int
    batch_size: int
    optimizer: str  # sgd | adam | lars
    learning_rate: float
    schedule: str  # cosine | constant | steps | exponential
    weight_decay: float
    final_learning_rate: float = 0.0  # cosine
    momentum: float = 0.0  # sgd, lars
    nesterov: bool = False  # sgd
    milestones: list[int] = field(default_factory=list)  # steps: epochs that divide the rate by 10
    decay: float = 1.0  # exponential: the rate's factor from epoch to epoch
    warmup_epochs: int = 0
    precision: str = "float32"  # of products in training: float32 | tf32 | bfloat16
    clip: float = 0.0  # gradient norm; 0 = off
    drop_path: float = 0.0  # final probability, raised linearly from 0
    keep_every: int = 0  # pretrain: epochs between weights that are kept for a curve; 0 = none
    validation_fraction: float = 0.0  # share of the recorded order held out (score)
