"""Scores against results: a panel per stratum, a dot per architecture."""

from __future__ import annotations

from stages.report.figures.charts import Panel, Plot, axis, colour
from stages.report.numbers.prediction import Point, Question

CRITERIA = {
    "contrastive_loss": "contrastive loss (nats, held-out images)",
    "accuracy": "accuracy (%, held-out images)",
}


def prediction_panels(question: Question) -> tuple[Panel, ...]:
    """Whiskers are one standard deviation over the seeds of full training."""
    return tuple(
        Panel(stratum, _panel(question, stratum, points, place))
        for place, (stratum, points) in enumerate(question.strata.items())
    )


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
    return plot.svg(f"{question.outcome} (%) over score, {stratum}", text)
