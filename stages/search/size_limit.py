"""The size limit of FaUNAE's evolution (sec. I, III.A, III.B: "we limit the model size according to
the initial architecture").

Eq. 2 alone does not hold it: simulated with the paper's settings, chains from ResNet-50 end with 46
million parameters on average, and with 29 under a limit of 1.3.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

TRIES = 200  # draws of a sub-network before it is made smaller place by place


@dataclass(frozen=True)
class SizeLimit:
    """`costs` has for every place the parameters that a sub-network has for each operation there;
    `most` is the largest sum of them that is allowed."""

    costs: Sequence[Mapping[str, int]]
    most: float

    @classmethod
    def of(
        cls,
        costs: Sequence[Mapping[str, int]],
        shared: int,
        initial: Sequence[str],
        factor: float,
    ) -> SizeLimit:
        """`factor` times the parameters of the `initial` sub-network, of which `shared` are in
        every sub-network."""
        cost = sum(place[name] for place, name in zip(costs, initial, strict=True))
        return cls(costs, factor * (shared + cost) - shared)

    def cost(self, choice: Sequence[str]) -> int:
        return sum(place[name] for place, name in zip(self.costs, choice, strict=True))

    def within(
        self,
        draw_all: Callable[[], list[str]],
        left: Sequence[Sequence[str]],
        draw: random.Random,
    ) -> list[str]:
        """What `draw_all` gives, again and again until it is within the limit. If it is not in
        TRIES draws, places of the last one, in random order, take the smallest of the operations
        that are `left` there, until it is."""
        for _ in range(TRIES):
            choice = draw_all()
            if self.cost(choice) <= self.most:
                return choice
        for number in draw.sample(range(len(choice)), len(choice)):
            choice[number] = self.smallest(number, left[number])
            if self.cost(choice) <= self.most:
                break
        return choice

    def smallest(self, place: int, operations: Sequence[str]) -> str:
        return min(operations, key=self.costs[place].__getitem__)

    def dropped(
        self, left: Sequence[Sequence[str]], weights: Sequence[Sequence[float]]
    ) -> list[str | None]:
        """Eq. 10 for every place with a choice: the operation of largest weight (the first of
        equals) is dropped, unless no sub-network within the limit would be left. Then the smallest
        operation stays at as many places as it takes, those first where the next largest weight is
        closest, and the operation of that weight is dropped."""
        drops: list[str | None] = []
        spared: list[tuple[float, int, str]] = []
        for number, (operations, values) in enumerate(zip(left, weights, strict=True)):
            if len(operations) < 2:
                drops.append(None)
                continue
            ranked = sorted(zip(values, operations, strict=True), key=lambda pair: -pair[0])
            drops.append(ranked[0][1])
            if drops[-1] == self.smallest(number, operations):
                spared.append((_apart(ranked[0][0], ranked[1][0]), number, ranked[1][1]))
        for _, number, instead in sorted(spared):
            rest = [
                [name for name in operations if name != dropped]
                for operations, dropped in zip(left, drops, strict=True)
            ]
            if self.cost([self.smallest(*place) for place in enumerate(rest)]) <= self.most:
                break
            drops[number] = instead
        return drops


def _apart(larger: float, smaller: float) -> float:
    return 0.0 if larger == smaller else larger - smaller  # both may be -inf
