"""Accuracy over epochs, in words."""

from __future__ import annotations

from stages.report.numbers.accuracies import Accuracies


def ends(found: Accuracies) -> list[str]:
    """A sentence per network: its last and its best epoch."""
    return [_sentence(run, points) for run, points in found.runs.items()]


def _sentence(run: str, points: list[tuple[int, float]]) -> str:
    best, last = max(points, key=lambda point: point[1]), points[-1]
    return (
        f"{run}: {last[1]:.1f} % after epoch {last[0]}, at best {best[1]:.1f} % after epoch "
        f"{best[0]}"
    )
