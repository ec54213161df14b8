"""Rows of own images for tests, made from the numbers that matter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from stages.report.numbers.own import PUBLISHED, RANDOM, Best, OwnRow, OwnTable, Pretrained

Values = Sequence[float]


def own_row(name: str, linear: Values = (), untrained: Values = (), **more: Any) -> OwnRow:
    """Accuracies in percent on 1,000 test images of two equal classes, a value per seed; without
    any there are no test images."""
    values = {"linear_accuracy": linear, "linear_accuracy_untrained": untrained}
    measured = {key: tuple(map(float, found)) for key, found in values.items() if found}
    seeds = range(len(linear) or 1)
    known = {
        "selected_contrastive_loss": 3.0, "n_trained_on": 500, "params_million": 0.25,
        "flops": 4e7, "seconds": 90.0, "leaks": (), "guessing": 50.0 if linear else None,
        "n_tested_on": 1000 if linear else 0,
        "pretrained": tuple(Pretrained(f"pretrain/{name}-s{n}", 2.0 + n) for n in seeds),
        "values": measured | more.pop("values", {}),
    }  # fmt: skip
    runs = tuple(f"probe/{name}-s{n}" for n in seeds)
    return OwnRow(name, "folder", runs, **known | more)


def searched(linear: Values = (), untrained: Values = (), **more: Any) -> OwnRow:
    return own_row("SSNAS", linear, untrained, **more)


def drawn(linear: Values = (), **more: Any) -> OwnRow:
    return own_row("Random", linear, origin=RANDOM, **more)


def published(linear: Values = (), **more: Any) -> OwnRow:
    return own_row("ResNet-18", linear, origin=PUBLISHED, selected_contrastive_loss=None, **more)


def own_table(*rows: OwnRow) -> OwnTable:
    """The first row is the best."""
    return OwnTable("lab", "c0ffee", rows, Best(3.0, 2.0, rows[0].pretrained[0].run, rows[0].row))
