"""The section on prediction: panels, tau and its interval, and the answer in words."""

from __future__ import annotations

import math
from typing import Any

from stages.report.charts import Plot, axis, colour
from stages.report.evidence import Evidence
from stages.report.prediction import LEAST, Point, Question, interval, questions, tau_b

CRITERIA = {
    "contrastive_loss": "contrastive loss (nats, held-out images)",
    "accuracy": "accuracy (%, held-out images)",
}
RESULTS = {
    ("retrain", "test_accuracy"): "test accuracy after retraining (%)",
    ("probe", "linear_accuracy"): "linear accuracy after pretraining (%)",
}


def answers(evidence: Evidence) -> list[dict[str, Any]]:
    """One entry per question that the plan has data for: title, panels, tau, interval, answer."""
    return [_answer(question) for question in questions(evidence)]


def _answer(question: Question) -> dict[str, Any]:
    strata = question.signed()
    tau, found = tau_b(strata), interval(question)
    score = "contrastive loss" if question.criterion == "contrastive_loss" else "accuracy"
    result = RESULTS[question.stage, question.metric].removesuffix(" (%)")
    pairs = sum(len(points) * (len(points) - 1) // 2 for points in strata)
    ground = f"{question.architectures} architectures, {pairs} pairs to compare"
    return {
        "title": f"Does the short training's {score} predict {result}?",
        "label_free": question.criterion == "contrastive_loss",
        "tau": tau,
        "interval": found,
        "short": "τ –" if math.isnan(tau) else f"τ {tau:+.2f}",  # noqa: RUF001
        "answer": f"{_verdict(score, result, tau, found)} ({ground}.)",
        "panels": [
            (stratum, _panel(question, stratum, points, place))
            for place, (stratum, points) in enumerate(question.strata.items())
        ],
    }


def _verdict(score: str, result: str, tau: float, found: tuple[float, float] | None) -> str:
    subject = f"whether the short training's {score} predicts {result}"
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
        return f"The short training's {score} predicts {result}: {value}."
    if found[1] < 0:
        return f"The short training's {score} predicts {result} the wrong way round: {value}."
    return f"These data do not show {subject}: {value}, and the interval contains 0."


def _panel(question: Question, stratum: str, points: list[Point], place: int) -> str:
    share = 100.0 if question.criterion == "accuracy" else 1.0
    scores = [share * point.score for point in points]
    ends = [100 * (point.mean + side * (point.std or 0)) for point in points for side in (-1, 1)]
    x, y = axis(CRITERIA[question.criterion], scores), axis("accuracy (%)", ends)
    plot = Plot(x, y, width=340, height=230)
    for point, score in zip(points, scores, strict=True):
        height, std = 100 * point.mean, 100 * (point.std or 0)
        if std:
            plot.bar(score, height - std, height + std, colour(place))
        tip = f"{point.name}: score {score:.4f}, {height:.2f} % (n = {len(point.results)})"
        plot.dot(score, height, colour(place), radius=4.5, tip=tip)
    text = "; ".join(
        f"{point.name}: {score:.4f} and {100 * point.mean:.2f} %"
        for point, score in zip(points, scores, strict=True)
    )
    return plot.svg(f"{RESULTS[question.stage, question.metric]} over score, {stratum}", text)
