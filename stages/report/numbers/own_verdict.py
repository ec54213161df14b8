"""Your own images: was pretraining worth it, was searching, and is that known beyond noise?

A thing is *better* or *worse* than another only if a two-sided test over seeds at 95 % says so,
after Holm's correction for all that is compared here, and if the difference is larger than what the
draw of the test images explains; otherwise it *cannot be told*. No test is made with a single seed
on a side, between equal means, or where neither is better than chance.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from math import hypot

from scipy.stats import binom, binomtest, ttest_1samp, ttest_ind

from stages.report.numbers.margins import CHANCE
from stages.report.numbers.own import PUBLISHED, RANDOM, SEARCHED, OwnRow, OwnTable
from stages.report.numbers.statistics import deviation, mean
from stages.report.numbers.verdicts import (
    LEVEL,
    UNKNOWN,
    holm,
    paired,
    pooled_deviation,
    seeds_needed,
    welch,
)

BETTER, WORSE, MIXED = "better", "worse", "mixed"
# Why something cannot be told.
ONE_SEED, TIE, AT_CHANCE, NO_SPREAD, NOISE = "one seed", "tie", "at chance", "no spread", "noise"
FEW_IMAGES = "few test images"
# What is asked: of pretraining, of the search, of a published network.
PRETRAINING, SEARCH, BASELINE = "pretraining", "search", "baseline"
MEASURES = ("linear_accuracy", "knn_accuracy")
LOSS = "contrastive_loss"  # of the candidates: the only measure without labels
GUESSES = 0.95  # share of guessing networks whose accuracy counts as chance


@dataclass(frozen=True)
class Duel:
    """`one` against `other` in a measure: accuracies in percent (high is good) or losses in nats
    (low is good), a value per seed. `chance` is what guessing reaches, `tested` the number of test
    images of an accuracy."""

    question: str
    measure: str
    names: tuple[str, str]
    one: tuple[float, ...]
    other: tuple[float, ...]
    at_chance: bool = False
    chance: float | None = None
    tested: int = 0
    adjusted: float | None = None  # p after Holm's correction

    @property
    def pairs(self) -> bool:
        """Whether the two sides are the same networks, before and after."""
        return self.question == PRETRAINING

    @property
    def difference(self) -> float:
        return round(mean(self.one) - mean(self.other), 9)

    @property
    def differences(self) -> list[float]:
        """Rounded, so that equal ones stay equal."""
        return [round(one - other, 9) for one, other in zip(self.one, self.other, strict=True)]

    @property
    def n(self) -> int:
        """Seeds on the side with fewer."""
        return min(len(self.one), len(self.other))

    @property
    def p(self) -> float | None:
        """Before the correction; None where no test is made."""
        if self.n < 2 or self.at_chance or self.difference == 0:
            return None
        return paired(self.differences) if self.pairs else welch(self.one, self.other)

    @property
    def interval(self) -> tuple[float, float] | None:
        """Of the difference, over seeds, at 95 %; None where no test is made."""
        if self.p is None:
            return None
        test = (
            ttest_1samp(self.differences, 0.0)
            if self.pairs
            else ttest_ind(self.one, self.other, equal_var=False)
        )
        low, high = test.confidence_interval(1 - LEVEL)
        return float(low), float(high)

    @property
    def image_interval(self) -> tuple[float, float] | None:
        """Of the difference of two accuracies, over draws of the test images, at 95 %: Newcombe's
        (1998, method 10), which is wide for networks that fail on the same images. None of losses.
        """
        return _newcombe(mean(self.one), mean(self.other), self.tested) if self.tested else None

    @property
    def few_images(self) -> bool:
        found = self.image_interval
        return found is not None and found[0] <= 0 <= found[1]

    @property
    def verdict(self) -> str:
        if self.adjusted is None or self.adjusted >= LEVEL or self.few_images:
            return UNKNOWN
        return BETTER if (self.difference > 0) == (self.measure != LOSS) else WORSE

    @property
    def reason(self) -> str:
        """Why it cannot be told; empty where it can."""
        if self.verdict != UNKNOWN:
            return ""
        if self.at_chance:
            return AT_CHANCE
        if self.n < 2:
            return ONE_SEED
        if self.difference == 0:
            return TIE
        if self.p is None:
            return NO_SPREAD
        return FEW_IMAGES if self.adjusted < LEVEL else NOISE

    @property
    def seeds(self) -> int | None:
        """How many would tell a difference of this size, with the spread seen here; None where
        there is none or it has been told."""
        if self.reason != NOISE:
            return None
        spread = (
            deviation(self.differences) if self.pairs else pooled_deviation([self.one, self.other])
        )
        return seeds_needed(abs(self.difference), spread, self.pairs)


@dataclass(frozen=True)
class Judgement:
    """`subject` is the row of the best network, or the first where none was selected; `duels` are
    all that is compared; `runs` are the rows' networks for `stages.export`: of the seeds the one
    with the lowest loss of pretraining."""

    subject: OwnRow
    duels: tuple[Duel, ...]
    runs: dict[str, str]

    def of(self, question: str) -> tuple[Duel, ...]:
        return tuple(duel for duel in self.duels if duel.question == question)

    def answer(self, question: str) -> str | None:
        """Of all measures together; None if it was not asked."""
        duels = self.of(question)
        told = {duel.verdict for duel in duels} - {UNKNOWN}
        if len(told) > 1:
            return MIXED
        return next(iter(told), UNKNOWN) if duels else None

    @property
    def at_chance(self) -> bool:
        """Whether the pretrained network is no better than guessing, in all measures."""
        return bool(duels := self.of(PRETRAINING)) and all(duel.at_chance for duel in duels)

    @property
    def learnt(self) -> bool | None:
        """Whether the loss of pretraining is below chance; None where that is not known."""
        at_chance = self.subject.pretraining_chance
        return None if at_chance is None else self.subject.final_loss <= CHANCE * at_chance


def judge(table: OwnTable) -> Judgement:
    """p-values are adjusted for the number of comparisons of the table."""
    named = table.best.row if table.best else table.rows[0].row
    subject = next(row for row in table.rows if row.row == named)
    duels = [*_pretraining(subject), *_search(table.rows), *_baseline(subject, table.rows)]
    adjusted = holm([duel.p for duel in duels])
    told = (replace(duel, adjusted=p) for duel, p in zip(duels, adjusted, strict=True))
    runs = {
        row.row: min(row.pretrained, key=lambda seed: seed.final_loss).run for row in table.rows
    }
    return Judgement(subject, tuple(told), runs | ({named: "best"} if table.best else {}))


def _pretraining(row: OwnRow) -> Iterator[Duel]:
    for measure in MEASURES:
        sides = [row.values.get(key) for key in (measure, f"{measure}_untrained")]
        if all(sides):
            names = ("pretrained", "with random weights")
            yield _of_accuracies(PRETRAINING, measure, names, sides, row)


def _search(rows: Iterable[OwnRow]) -> Iterator[Duel]:
    """By accuracies, or without any by the losses of all candidates on held-out images."""
    rows = list(rows)
    one = next((row for row in rows if row.origin == SEARCHED), None)
    other = next((row for row in rows if row.origin == RANDOM), None)
    if one is None or other is None:
        return
    found = list(_between(SEARCH, one, other))
    yield from found
    if not found and one.candidates and other.candidates:
        chance = one.candidates_chance
        yield Duel(
            SEARCH,
            LOSS,
            (one.row, other.row),
            one.candidates,
            other.candidates,
            chance is not None
            and all(mean(row.candidates) > CHANCE * chance for row in (one, other)),
            chance,
        )


def _baseline(subject: OwnRow, rows: Iterable[OwnRow]) -> Iterator[Duel]:
    for row in rows:
        if row.origin == PUBLISHED and row is not subject:
            yield from _between(BASELINE, subject, row)


def _between(question: str, one: OwnRow, other: OwnRow) -> Iterator[Duel]:
    for measure in MEASURES:
        sides = [row.values.get(measure) for row in (one, other)]
        if all(sides):
            yield _of_accuracies(question, measure, (one.row, other.row), sides, one)


def _of_accuracies(
    question: str, measure: str, names: tuple[str, str], sides: list, row: OwnRow
) -> Duel:
    """`row` has the number of test images and what guessing reaches on them."""
    known = row.guessing is not None and row.n_tested_on
    chance = guessed(row.guessing, row.n_tested_on) if known else None
    low = chance is not None and all(mean(side) <= chance for side in sides)
    return Duel(question, measure, names, *sides, low, chance, row.n_tested_on)


def _newcombe(one: float, other: float, tested: int) -> tuple[float, float]:
    """Both in percent, on `tested` images each."""
    ends = []
    for percent in (one, other):
        found = binomtest(round(percent / 100 * tested), tested).proportion_ci(method="wilson")
        ends.append((percent - 100 * found.low, 100 * found.high - percent))
    (below, above), (other_below, other_above) = ends
    difference = one - other
    return difference - hypot(below, other_above), difference + hypot(above, other_below)


def guessed(percent: float, tested: int) -> float:
    """The accuracy, in percent, that 19 of 20 networks do not exceed on `tested` images if they
    guess right with a probability of `percent`."""
    return 100 * float(binom.ppf(GUESSES, tested, percent / 100)) / tested


def sampling(tested: int) -> float:
    """By how many points at most an accuracy on `tested` images differs from that on all images
    like them, in 19 of 20 draws (binomial, normal approximation, at 50 %)."""
    return 1.96 * 50 / tested**0.5
