"""The study's questions that compare methods: c (SSNAS, DARTS, random), d (evolution) and f (split
sets, pretraining's gain)."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from scipy.stats import fisher_exact

from stages.report.numbers.claims_faunae import eliminations
from stages.report.numbers.evolution import Evolution
from stages.report.numbers.statistics import Share, mean
from stages.report.numbers.study.answers import (
    NUMBER,
    SHARE,
    Answer,
    of_difference,
    of_share,
)
from stages.report.numbers.study.architectures import Group, Tables
from stages.report.numbers.study.groups import Difference, at_equal_size, difference, of_pairs

RANDOM, SSNAS, DARTS, ONE_SET = "random cells", "SSNAS", "DARTS", "SSNAS on one set"
STARTS = {  # what evolved from a start -> the start's own row
    "evolved from random": "random chains",
    "evolved from ResNet-50": "ResNet-50",
    "evolved from ProxylessNAS": "ProxylessNAS",
}
ENDS = "what evolved from the starts"
LABELS = ("1 % of labels", "10 % of labels", "100 % of labels")


# ------------------------------------------------------ c: SSNAS, DARTS, random ----


def methods(tables: Tables) -> Iterator[Answer]:
    named = {"cells": "accuracy after retraining", "representations": "linear accuracy"}
    for table, outcome in named.items():
        there = tables.get(table, {})
        for one, two in ((SSNAS, RANDOM), (SSNAS, DARTS), (DARTS, RANDOM)):
            if one in there and two in there:
                pair, claim = f"{one} against {two}", f"{one} is better than {two}"
                yield of_difference("c", outcome, pair, _plain(there[one], there[two]), claim)
                at = _at_equal_size(there[one], there[two])
                yield of_difference("c", f"{outcome}, at equal FLOPs", pair, at, claim)
    for table, labels in (("cells", "all labels"), ("few", "few labels")):
        there = tables.get(table, {})
        yield from _collapse([there[name] for name in (SSNAS, DARTS) if name in there], labels)


def _collapse(found: Sequence[Group], labels: str) -> Iterator[Answer]:
    known = [[one for one in group.architectures if one.collapsed is not None] for group in found]
    for group, members in zip(found, known, strict=True):
        if members:
            share = Share(sum(bool(one.collapsed) for one in members), len(members))
            yield of_share("c", f"searches that collapsed, {labels}", group.name, share)
    if len(known) == 2 and all(known):
        (ours, theirs) = ([sum(bool(o.collapsed) for o in m), len(m)] for m in known)
        p = fisher_exact([[ours[0], ours[1] - ours[0]], [theirs[0], theirs[1] - theirs[0]]]).pvalue
        yield Answer(
            "c", f"share that collapsed, {labels}", f"{DARTS} minus {SSNAS}", SHARE,
            theirs[0] / theirs[1] - ours[0] / ours[1], None, (theirs[1], ours[1]),
            f"{DARTS} collapses more often than {SSNAS}", float(p), True,
        )  # fmt: skip
        skips = [[float(one.skips or 0) for one in members] for members in known]
        yield replace(
            of_difference(
                "c", f"skip connections of the normal cell, {labels}", f"{DARTS} minus {SSNAS}",
                difference(skips[1], skips[0]), f"{DARTS} finds more of them",
            ),
            unit=NUMBER,
        )  # fmt: skip


# ---------------------------------------------------------------- d: evolution ----


def evolution(tables: Tables, found: Iterable[Evolution]) -> Iterator[Answer]:
    there = tables.get("blocks", {})
    made = {end: start for end, start in STARTS.items() if {end, start} <= there.keys()}
    outcome = "accuracy after retraining"
    for end, start in made.items():
        yield of_difference(
            "d", outcome, f"{end}, against its start", _from_start(there[end], there[start]),
            "evolution improves on its start",
        )  # fmt: skip
    for one, two in itertools.combinations(made, 2):
        starts = [_starts(there[end], there[made[end]]) for end in (one, two)]
        better, worse = (one, two) if mean(starts[0]) >= mean(starts[1]) else (two, one)
        pair = f"{better.removeprefix('evolved ')}, against {worse.removeprefix('evolved ')}"
        first, second = starts if better == one else starts[::-1]
        yield of_difference("d", "the starts", pair, difference(first, second), "the starts differ")
        ends = difference(there[better].means, there[worse].means)
        yield of_difference("d", ENDS, pair, ends, "a better start gives a better end")
    if made and "random chains" in there:
        evolved = Group("evolved", tuple(a for end in made for a in there[end].architectures))
        random = there["random chains"]
        claim = "evolution is better than chance"
        pair = "evolved against random chains"
        yield of_difference("d", outcome, pair, _plain(evolved, random), claim)
        at = _at_equal_size(evolved, random)
        yield of_difference("d", f"{outcome}, at equal FLOPs", pair, at, claim)
    if removed := eliminations(found):
        yield of_share("d", "eliminations of the present operation", "evolutions", removed.hits)
        low, high = removed.hits.interval95
        yield Answer(
            "d", "fewer eliminations of the present operation than blind ones", "evolutions", SHARE,
            removed.blindly - removed.hits.value, (removed.blindly - high, removed.blindly - low),
            (removed.hits.count,), "what is removed performs poorly",
        )  # fmt: skip


def _starts(ends: Group, start: Group) -> list[float]:
    """The results of a start: of one architecture every seed, of several the mean of each that
    something evolved from."""
    if len(start.architectures) == 1:
        return list(start.architectures[0].results)
    seeds = {one.seed for one in ends.architectures}
    return [one.mean for one in start.architectures if one.seed in seeds]


def _from_start(ends: Group, start: Group) -> Difference:
    values = _starts(ends, start)
    if len(start.architectures) > 1 and len(values) == len(ends.means):
        return of_pairs(ends.means, values)  # of the same seed
    return difference(ends.means, values)


# ----------------------------------------------------- f: split, pretraining's gain ----


def rest(tables: Tables) -> Iterator[Answer]:
    cells, labels = tables.get("cells", {}), tables.get("labels", {})
    if SSNAS in cells and ONE_SET in cells:
        split = {one.seed: one.mean for one in cells[SSNAS].architectures}
        pairs = [(split[o.seed], o.mean) for o in cells[ONE_SET].architectures if o.seed in split]
        yield of_difference(
            "f", "accuracy after retraining", "split against one set",
            of_pairs(*zip(*pairs, strict=True)), "splitting the images is better",
        )  # fmt: skip
    for share in LABELS:
        two = [labels.get(f"{share}, {init}") for init in ("pretrained", "random weights")]
        if all(two):
            yield of_difference(
                "f", f"fine-tuned on {share}", "pretrained against random weights",
                of_pairs(two[0].means, two[1].means), "pretraining without labels helps",
            )  # fmt: skip


def _plain(one: Group, two: Group) -> Difference:
    return difference(one.means, two.means)


def _at_equal_size(one: Group, two: Group) -> Difference:
    return at_equal_size(one.means, two.means, one.sizes, two.sizes)
