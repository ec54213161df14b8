"""Accuracy over the epochs of pretraining, of the weights that it kept."""

from __future__ import annotations

from dataclasses import dataclass

from nassl.files import InputError, read_json
from stages.report.evidence.runs import Evidence


@dataclass(frozen=True)
class Accuracies:
    """Of the networks of a data set: run -> (epoch, percent of k nearest neighbours)."""

    data: str
    runs: dict[str, list[tuple[int, float]]]


def accuracies(evidence: Evidence) -> list[Accuracies]:
    """Per data set. Raises InputError naming an epochs.json that is not what `probe` writes."""
    groups: dict[str, dict[str, list[tuple[int, float]]]] = {}
    for run, line in evidence.lines["probe"].items():
        file = evidence.folder("probe", run) / "epochs.json"
        if not file.exists():
            continue
        try:
            points = [(int(one["epoch"]), 100 * one["knn_accuracy"]) for one in read_json(file)]
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"{file} has not an epoch and a knn_accuracy in every entry ({error!r}); delete it "
                f"and run its stage: `dvc repro --force probe@{run}`"
            ) from error
        if points:
            groups.setdefault(line["data"], {})[run] = points
    return [Accuracies(data, runs) for data, runs in groups.items()]
