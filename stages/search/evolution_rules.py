"""The rules of FaUNAE's evolution (sec. III.B, III.D, Alg. 1), apart from any training.

A place is a block, or an edge of one kind of cell. All probabilities and losses are plain floats.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from nassl.genotypes.block import IDENTITY


def mutation_probabilities(counts: Sequence[int], current: int, epsilon: float) -> list[float]:
    """Eq. 1: 1 - eps for the current operation, the more for another the less it was sampled.
    `counts` are sa of the K operations that are left."""
    if len(counts) == 1:
        return [1.0]
    total = sum(counts)
    shares = [count / total if total else 0.0 for count in counts]
    others = [epsilon / (len(counts) - 1) * (1 - share) for share in shares]
    return [*others[:current], 1 - epsilon, *others[current + 1 :]]


def size_probabilities(sizes: Sequence[float]) -> list[float]:
    """Eq. 2: - softmax(MS). The sign is the paper's: big operations are made less likely.
    `sizes` are in millions of parameters, a unit that the paper does not give."""
    largest = max(sizes)
    exponentials = [math.exp(size - largest) for size in sizes]
    total = sum(exponentials)
    return [-value / total for value in exponentials]


def evolution_probabilities(
    counts: Sequence[int],
    current: int,
    sizes: Sequence[float],
    epsilon: float,
    mutation_weight: float,
) -> list[float]:
    """Eq. 3: lambda_1 * p_mt + (1 - lambda_1) * p_rm. The paper's sum may be negative and is not 1:
    negative values are clipped to 0, the rest is normalised."""
    mutation = mutation_probabilities(counts, current, epsilon)
    size = size_probabilities(sizes)
    mixed = [
        max(0.0, mutation_weight * mt + (1 - mutation_weight) * rm)
        for mt, rm in zip(mutation, size, strict=True)
    ]
    total = sum(mixed)
    if total == 0:  # nothing is left of it: stay
        return [float(k == current) for k in range(len(counts))]
    return [value / total for value in mixed]


def updated_loss(former: float | None, observed: float, decay: float) -> float:
    """Eq. 4: lambda_2 * l + (1 - lambda_2) * a; the first observation is taken as it is."""
    return observed if former is None else decay * former + (1 - decay) * observed


def elimination_weight(loss: float | None, samplings: int, count: int) -> float:
    """Eq. 9: l - sqrt(2 log N / sa). -inf for an operation that was never sampled."""
    if count == 0 or loss is None:
        return -math.inf
    return loss - math.sqrt(2 * math.log(samplings) / count)


def annealed(start: float, end: float, epoch: int, epochs: int) -> float:
    """Linear from `start` in epoch 0 to `end` in the last one."""
    return start if epochs < 2 else start + (end - start) * epoch / (epochs - 1)


@dataclass
class Place:
    """The operations that are left at a place, with sa and l of each."""

    operations: list[str]
    sizes: list[float]  # millions of parameters
    current: str  # what the next mutation starts from
    counts: list[int] = field(default_factory=list)
    losses: list[float | None] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.counts = self.counts or [0] * len(self.operations)
        self.losses = self.losses or [None] * len(self.operations)


class Population:
    """All places. `sizes` has for every place its operations with their size in millions."""

    def __init__(
        self,
        sizes: Sequence[dict[str, float]],
        initial: Sequence[str],
        elimination_epochs: int,
        mutation_weight: float,
        loss_decay: float,
        depth_mutation: float,
    ) -> None:
        self.places = [
            Place(list(place), list(place.values()), operation)
            for place, operation in zip(sizes, initial, strict=True)
        ]
        self.elimination_epochs = elimination_epochs
        self.mutation_weight, self.loss_decay = mutation_weight, loss_decay
        self.depth_mutation = depth_mutation
        self.left = max(len(place.operations) for place in self.places)  # K
        self.samplings = 0  # N
        self.since_elimination = 0  # epochs
        self.sampled = self.base

    @property
    def base(self) -> list[str]:
        """The present operation of every place: alpha of the last accepted evolution."""
        return [place.current for place in self.places]

    def mutate(self, draw: random.Random, epsilon: float) -> list[str]:
        """The next sub-network. Operation mutation: every place draws from eq. 3. Depth mutation:
        with its probability one more block, of those that can be skipped, becomes identity."""
        self.sampled = []
        for place in self.places:
            probabilities = evolution_probabilities(
                place.counts,
                place.operations.index(place.current),
                place.sizes,
                epsilon,
                self.mutation_weight,
            )
            self.sampled += draw.choices(place.operations, probabilities)
        skippable = [
            number
            for number, place in enumerate(self.places)
            if IDENTITY in place.operations and self.sampled[number] != IDENTITY
        ]
        if draw.random() < self.depth_mutation and skippable:
            self.sampled[draw.choice(skippable)] = IDENTITY
        return self.sampled

    def observe(self, loss: float) -> list[dict[str, Any]]:
        """Eq. 4 for every sampled operation, then eq. 5. Returns the mutations: place, from, to,
        and whether it was accepted."""
        self.samplings += 1
        mutations = []
        for number, (place, operation) in enumerate(zip(self.places, self.sampled, strict=True)):
            new, old = place.operations.index(operation), place.operations.index(place.current)
            place.counts[new] += 1
            place.losses[new] = updated_loss(place.losses[new], loss, self.loss_decay)
            if new == old:
                continue
            former = place.losses[old]
            accepted = former is None or place.losses[new] < former
            mutations.append(
                {"place": number, "from": place.current, "to": operation, "accepted": accepted}
            )
            if accepted:
                place.current = operation
        return mutations

    def end_epoch(self) -> list[dict[str, Any]]:
        """Counts an epoch; after K * E of them an operation is dropped at every place."""
        self.since_elimination += 1
        if self.since_elimination < self.left * self.elimination_epochs:
            return []
        self.since_elimination = 0
        self.left -= 1
        return [
            {"place": number, "operation": self._eliminate(place)}
            for number, place in enumerate(self.places)
            if len(place.operations) > 1
        ]

    def _eliminate(self, place: Place) -> str:
        """Eq. 10: drops the operation of largest w, the first of equals. If it was the current one,
        the one of lowest l takes its place (the paper does not say)."""
        weights = [
            elimination_weight(loss, self.samplings, count)
            for loss, count in zip(place.losses, place.counts, strict=True)
        ]
        worst = weights.index(max(weights))
        dropped = place.operations[worst]
        for listed in (place.operations, place.sizes, place.counts, place.losses):
            del listed[worst]
        if dropped == place.current:
            ranks = [math.inf if loss is None else loss for loss in place.losses]
            place.current = place.operations[ranks.index(min(ranks))]
        return dropped

    def state_dict(self) -> dict[str, Any]:
        return {
            "places": [asdict(place) for place in self.places],
            "left": self.left,
            "samplings": self.samplings,
            "since_elimination": self.since_elimination,
            "sampled": list(self.sampled),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.places = [Place(**place) for place in state["places"]]
        self.left, self.samplings = state["left"], state["samplings"]
        self.since_elimination = state["since_elimination"]
        self.sampled = list(state["sampled"])
