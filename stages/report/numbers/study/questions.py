"""The study's questions about scores: a (do they predict?), b (what is selecting by them worth?)
and e (how much is there to select?). The others are in `comparisons.py`.

A group that the plan lacks leaves its answers out; one with too few architectures gives estimates
without intervals, of which nothing can be told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from stages.report.evidence.asked import PlannedStudyRow
from stages.report.evidence.runs import Evidence
from stages.report.numbers.evolution import evolutions
from stages.report.numbers.statistics import mean
from stages.report.numbers.study.answers import (
    POINTS,
    SHARE,
    Answer,
    judged,
    of_correlation,
    of_estimate,
)
from stages.report.numbers.study.architectures import Architecture, Tables, groups
from stages.report.numbers.study.comparisons import (
    DARTS,
    ENDS,
    RANDOM,
    SSNAS,
    evolution,
    methods,
    rest,
)
from stages.report.numbers.study.components import components
from stages.report.numbers.study.correlation import correlation, partial
from stages.report.numbers.study.selection import selection
from stages.report.numbers.verdicts import UNKNOWN

CELLS = (RANDOM, SSNAS, DARTS)
ALL = "all cells"
LABEL_FREE, WITH_LABELS = "contrastive loss", "accuracy of a short supervised training"
SPACES = {RANDOM: "cells", "random dense cells": "dense", "random chains": "blocks"}
PREDICTS = "orders architectures as retraining does"


def answers(study: Mapping[str, Sequence[PlannedStudyRow]], evidence: Evidence) -> list[Answer]:
    """In the order of the questions. Raises InputError naming a run that is missing."""
    tables = groups(study, evidence)
    return where_starts_differ(
        judged(
            (
                *prediction(tables),
                *regret(tables),
                *methods(tables),
                *evolution(tables, evolutions(evidence)),
                *variance(tables),
                *rest(tables),
            )
        )
    )


def where_starts_differ(found: Sequence[Answer]) -> list[Answer]:
    """What evolved from two starts only has an order to keep where the starts, which come just
    before, are known to differ: else nothing can be told."""
    return [
        replace(one, verdict=UNKNOWN)
        if one.what == ENDS and found[place - 1].verdict == UNKNOWN
        else one
        for place, one in enumerate(found)
    ]


# ------------------------------------------------------ a: does it predict? ----


def prediction(tables: Tables) -> Iterator[Answer]:
    everything = _cells(tables)
    for among, members in ((ALL, everything), *_groups(tables, RANDOM)):
        for name, score in _scores(members).items():
            if among != ALL and name != LABEL_FREE:
                continue
            results = [one.mean for one in members]
            yield of_correlation("a", name, among, correlation(score, results), PREDICTS)
            if name != "FLOPs":
                sizes = [one.flops for one in members]
                at = partial(score, results, sizes)
                yield of_correlation("a", f"{name}, at equal FLOPs", among, at, PREDICTS)


def _scores(members: Sequence[Architecture]) -> dict[str, list[float]]:
    """Every score that all have, signed so that high is said to be good."""
    found = {}
    for name in dict.fromkeys(name for one in members for name in one.scores):
        values = [one.scores.get(name) for one in members]
        if None not in values:
            sign = -1.0 if "loss" in name else 1.0
            found[name] = [sign * value for value in values]
    if all(one.untrained for one in members) and members:
        found["linear accuracy of random weights"] = [mean(one.untrained) for one in members]
    if members:
        found["parameters"] = [one.params for one in members]
        found["FLOPs"] = [one.flops for one in members]
    return found


# ------------------------------------------ b: what selecting one of four gives ----


def regret(tables: Tables) -> Iterator[Answer]:
    for among, members in ((ALL, _cells(tables)), *_groups(tables, RANDOM)):
        scores = _scores(members)
        for name in (LABEL_FREE, WITH_LABELS):
            found = name in scores and selection(scores[name], _results(members), differ=False)
            if found:
                yield of_estimate(
                    "b", f"{name}: better than the mean of four by", among, POINTS, found.gain,
                    "selecting by it is better than taking any",
                )  # fmt: skip
                yield of_estimate(
                    "b", f"{name}: worse than full training's choice by", among, POINTS,
                    found.regret, "full training would select better",
                )  # fmt: skip


# ------------------------------------------------- e: how much there is to select ----


def variance(tables: Tables) -> Iterator[Answer]:
    for row, table in SPACES.items():
        for among, members in _groups(tables, row, table):
            found = components(_results(members))
            if found is None:
                continue
            n = (found.n, found.n * found.seeds)
            yield Answer(
                "e", "deviation between architectures", among, POINTS, found.architecture,
                found.architecture95, n, "architectures differ",
            )  # fmt: skip
            yield Answer("e", "deviation between seeds", among, POINTS, found.seed, found.seed95, n)
            yield Answer(
                "e", "share of architectures in the variance", among, SHARE, found.share,
                found.share95, n,
            )  # fmt: skip
            yield Answer(
                "e", "gain of knowing the best of four", among, POINTS, found.best_of_four,
                found.best_of_four95, n,
            )  # fmt: skip
            differ = found.architecture95[0] > 0
            score = _scores(members).get(LABEL_FREE)
            chosen = score and selection(score, _results(members), differ)
            if chosen and chosen.share:
                yield of_estimate(
                    "e", f"of it, share that the {LABEL_FREE} gets", among, SHARE, chosen.share,
                    "the score gets some of it",
                )  # fmt: skip
            if score and row != RANDOM:
                found = correlation(score, [one.mean for one in members])
                yield of_correlation("e", LABEL_FREE, among, found, PREDICTS)


# ---------------------------------------------------------------------- groups ----


def _cells(tables: Tables) -> list[Architecture]:
    """Of all methods, with what random weights reach."""
    found = []
    for row in CELLS:
        for _, members in _groups(tables, row):
            found += members
    return found


def _groups(
    tables: Tables, row: str, table: str = "cells"
) -> Iterator[tuple[str, list[Architecture]]]:
    if row not in tables.get(table, {}):
        return
    probed = tables.get("representations", {}).get(row)
    untrained = {one.search: one.untrained for one in probed.architectures} if probed else {}
    yield (
        row,
        [
            replace(one, untrained=untrained.get(one.search, ()))
            for one in tables[table][row].architectures
        ],
    )


def _results(members: Sequence[Architecture]) -> list[tuple[float, ...]]:
    return [one.results for one in members]
