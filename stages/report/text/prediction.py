"""Whether the score predicts the result: the answer in words."""

from __future__ import annotations

import math
from dataclasses import dataclass

from stages.report.numbers.prediction import LEAST, Question, interval, tau_b


@dataclass(frozen=True)
class Answer:
    """`short`: tau alone; `text` has its interval and what it stands on."""

    title: str
    short: str
    text: str


def answer(question: Question) -> Answer:
    strata = question.signed()
    tau, found = tau_b(strata), interval(question)
    score = "contrastive loss" if question.label_free else "accuracy"
    pairs = sum(len(points) * (len(points) - 1) // 2 for points in strata)
    ground = f"{question.architectures} architectures, {pairs} pairs to compare"
    return Answer(
        title=f"Does the short training's {score} predict {question.outcome}?",
        short="τ –" if math.isnan(tau) else f"τ {tau:+.2f}",  # noqa: RUF001
        text=f"{_verdict(score, question.outcome, tau, found)} ({ground}.)",
    )


def _verdict(score: str, outcome: str, tau: float, found: tuple[float, float] | None) -> str:
    subject = f"whether the short training's {score} predicts {outcome}"
    if math.isnan(tau):
        return f"These data cannot tell {subject}: all architectures do equally well."
    value = f"Kendall's tau is {tau:+.2f}"
    if found is None:
        return (
            f"These data cannot tell {subject}: {value}, but fewer than {LEAST} architectures were "
            f"both scored and trained in full, too few for an interval."
        )
    value += f" (95 % interval {found[0]:+.2f} to {found[1]:+.2f})"
    if found[0] > 0:
        return f"The short training's {score} predicts {outcome}: {value}."
    if found[1] < 0:
        return f"The short training's {score} predicts {outcome} the wrong way round: {value}."
    return f"These data do not show {subject}: {value}, and the interval contains 0."
