"""Section `strategy`, one kind per way to search."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Darts:
    kind: str  # darts
    order: int  # 1 | 2
    separate_sets: bool  # False: all samples for both steps (SSNAS sec. 4.4)
    validation_fraction: float
    alpha_learning_rate: float
    alpha_betas: list[float]
    alpha_weight_decay: float


@dataclass
class Random:
    kind: str  # random: a uniformly drawn genotype


@dataclass
class Manual:
    kind: str  # manual: the network that the space names


@dataclass
class Evolution:
    """FaUNAE's evolution with elimination (Alg. 1). The recipe's epochs must be `initial_epochs` +
    `elimination_epochs` times the sum of 2..K (sec. IV.B)."""

    kind: str  # evolution
    validation_fraction: float
    elimination_epochs: int  # E: an operation per block is dropped every K * E epochs
    initial_epochs: int  # training of the initial structure before the first mutation
    epsilon: float  # eq. 1, at the start
    final_epsilon: float  # reached linearly in the last epoch
    mutation_weight: float  # lambda_1, eq. 3
    loss_decay: float  # lambda_2, eq. 4
    size_limit: float  # sub-networks have at most so many times the initial one's parameters


@dataclass
class Proxyless:
    """ProxylessNAS: one sampled path for the weights, two for the architecture."""

    kind: str  # proxyless
    validation_fraction: float
    warmup_epochs: int  # in which only the weights are trained
    alpha_every: int  # steps of the weights for each step of alpha
    alpha_learning_rate: float
    alpha_betas: list[float]
    alpha_weight_decay: float


STRATEGIES = {
    "darts": Darts,
    "random": Random,
    "manual": Manual,
    "evolution": Evolution,
    "proxyless": Proxyless,
}
