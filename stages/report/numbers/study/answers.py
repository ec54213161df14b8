"""What the study's questions are answered with: an estimate, how sure it is, and a verdict."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from stages.report.numbers.statistics import Share
from stages.report.numbers.study.correlation import Correlation
from stages.report.numbers.study.groups import Difference
from stages.report.numbers.study.selection import Estimate
from stages.report.numbers.verdicts import holm, side, verdict

POINTS, TAU, SHARE, NUMBER = "points", "tau", "share", "number"  # units


@dataclass(frozen=True)
class Answer:
    """`claim` is what is true if the number is above 0 (or `value`); `verdict` whether it is. `p`
    is adjusted for the number of tests of its question (Holm); where there is none, the verdict is
    whether the interval lies above. Nothing is claimed of a number without a `claim`."""

    question: str  # a to f
    what: str
    among: str
    unit: str
    estimate: float
    interval95: tuple[float, float] | None
    n: tuple[int, ...]
    claim: str = ""
    p: float | None = None
    tested: bool = False  # whether a p decides
    verdict: str = ""


def of_difference(question: str, what: str, among: str, found: Difference, claim: str) -> Answer:
    """Percentage points."""
    return Answer(
        question, what, among, POINTS, found.value, found.interval95, found.n, claim, found.p, True
    )


def of_correlation(question: str, what: str, among: str, found: Correlation, claim: str) -> Answer:
    tested = found.p is not None
    return Answer(
        question, what, among, TAU, found.tau, found.interval95, (found.n,), claim, found.p, tested
    )


def of_estimate(
    question: str, what: str, among: str, unit: str, found: Estimate, claim: str
) -> Answer:
    return Answer(question, what, among, unit, found.value, found.interval95, (found.n,), claim)


def of_share(question: str, what: str, among: str, found: Share) -> Answer:
    """A share with Wilson's interval, of which nothing is claimed."""
    return Answer(question, what, among, SHARE, found.value, found.interval95, (found.count,))


def judged(answers: Iterable[Answer]) -> list[Answer]:
    """With p-values adjusted within each question, and verdicts."""
    answers = list(answers)
    adjusted: dict[int, float | None] = {}
    for question in dict.fromkeys(answer.question for answer in answers):
        places = [
            place
            for place, answer in enumerate(answers)
            if answer.question == question and answer.tested
        ]
        adjusted |= dict(zip(places, holm([answers[place].p for place in places]), strict=True))
    return [_judged(answer, adjusted.get(place)) for place, answer in enumerate(answers)]


def _judged(answer: Answer, adjusted: float | None) -> Answer:
    if not answer.claim:
        return answer
    if answer.tested:
        return replace(answer, p=adjusted, verdict=verdict(adjusted, answer.estimate > 0))
    return replace(answer, verdict=side(answer.interval95))


def of(answers: Sequence[Answer], question: str) -> list[Answer]:
    return [answer for answer in answers if answer.question == question]
