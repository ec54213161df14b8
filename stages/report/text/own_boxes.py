"""Your own boxes: the verdict, the tables and what they were measured on, in plain words.

Settings are written in `backticks`. Every sentence is made from numbers.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tabulate import tabulate

from stages.report.numbers.own_boxes import LEAST, METRICS, START, BoxesTable
from stages.report.numbers.own_verdict import (
    AT_CHANCE,
    BASELINE,
    BETTER,
    MIXED,
    PRETRAINING,
    WORSE,
    Duel,
)
from stages.report.numbers.statistics import mean
from stages.report.numbers.verdicts import UNKNOWN
from stages.report.text.data import leaks
from stages.report.text.own_steps import seeds
from stages.report.text.own_verdict import Said, Verdict, detail
from stages.report.text.wording import duration, quantity, spread

STARTS = {"pretrained": "pretrained", "random": "random weights"}
SUBJECTS = {
    PRETRAINING: "whether pretraining helps a detector",
    BASELINE: "which of the two networks makes the better detector",
}


def boxes_verdict(table: BoxesTable) -> Verdict:
    """Of pretraining: an answer for each network; then of the searched network and the other."""
    first = table.rows[0].row
    said = [*map(_of_pretraining, table.rows, _by_row(table)), *_between(table)]
    kind, headline = _headline(table, said[0].verdict, first)
    return Verdict(kind, headline, tuple(said), tuple(_sure(table)), tuple(_steps(table)))


def _by_row(table: BoxesTable) -> list[list[Duel]]:
    duels = table.of(PRETRAINING)
    return [
        [duel for duel in duels if duel.names[0].startswith(f"{row.row}, ")] for row in table.rows
    ]


def _answer(duels: Iterable[Duel]) -> str:
    told = {duel.verdict for duel in duels} - {UNKNOWN}
    return MIXED if len(told) > 1 else next(iter(told), UNKNOWN)


def _headline(table: BoxesTable, pretraining: str, first: str) -> tuple[str, str]:
    """(better, worse or cannot be told; a sentence or two)."""
    if nothing_found(table):
        return UNKNOWN, "The detectors find hardly anything: nothing can be told of them."
    if pretraining == WORSE:
        return WORSE, (
            f"Do not start your detector from these weights: with {first} it is worse than one "
            "trained from random weights."
        )
    if pretraining != BETTER:
        return UNKNOWN, "Whether pretraining helps to detect your objects cannot be told."
    duels = table.of(BASELINE)
    if not duels:
        return BETTER, f"Pretraining helps to detect your objects: start from {first}."
    other = duels[0].names[1]
    baseline = _answer(duels)
    if baseline == BETTER:
        return BETTER, (
            f"Start your detector from {first}: pretraining helps, and it is better than {other}."
        )
    if baseline == WORSE:
        return WORSE, (
            f"Start your detector from {other}: pretraining helps, but {first} is worse than it."
        )
    return BETTER, (
        f"Pretraining helps to detect your objects; whether {first} is better than {other}, which "
        "needs no search, cannot be told."
    )


FORMS = {
    BETTER: "A detector with {row} is better pretrained than trained from random weights.",
    WORSE: "A detector with {row} is worse pretrained than trained from random weights.",
    UNKNOWN: "Whether a detector with {row} is better pretrained than trained from random weights "
    "cannot be told.",
    MIXED: "A detector with {row} is better pretrained than trained from random weights in one "
    "measure and worse in another.",
}
BETWEEN = {
    BETTER: "{one} makes a better detector than {other} pretrained alike.",
    WORSE: "{one} makes a worse detector than {other} pretrained alike.",
    UNKNOWN: "Whether {one} makes a better detector than {other} pretrained alike cannot be told.",
    MIXED: "{one} makes a better detector than {other} pretrained alike in one measure and a worse "
    "one in another.",
}


def _of_pretraining(row: Any, duels: list[Duel]) -> Said:
    answer = _answer(duels)
    return Said(answer, FORMS[answer].format(row=row.row), tuple(map(_detail, duels)))


def _between(table: BoxesTable) -> Iterable[Said]:
    for names in dict.fromkeys(duel.names for duel in table.of(BASELINE)):
        duels = [duel for duel in table.of(BASELINE) if duel.names == names]
        answer = _answer(duels)
        text = BETWEEN[answer].format(one=names[0], other=names[1])
        yield Said(answer, text, tuple(map(_detail, duels)))


def _detail(duel: Duel) -> str:
    if duel.reason != AT_CHANCE:
        return detail(duel)
    one, other = (
        f"{name} {mean(of):.2f} %"
        for name, of in zip(duel.names, (duel.one, duel.other), strict=True)
    )
    return f"{duel.measure}: {one}, {other}; hardly anything is found (AP50 below {LEAST:g} %)"


def _sure(table: BoxesTable) -> Iterable[str]:
    if tests := sum(duel.p is not None for duel in table.duels):
        yield (
            "Better and worse mean beyond the noise between seeds: a two-sided test at 95 %, after "
            f"Holm's correction for {tests} test{'' if tests == 1 else 's'}. How much the draw of "
            f"the {table.images['test']:,} test images explains is not known."
        )


def _steps(table: BoxesTable) -> Iterable[str]:
    row = table.rows[0]
    if nothing_found(table):
        yield (
            f"Train the detectors for longer than {row.iterations:,} iterations of "
            f"{row.images_per_batch} images: plan again with "
            f"`detection.own-boxes.least_iterations={2 * row.iterations}`."
        )
        return
    yield from seeds(table.duels, SUBJECTS)


def nothing_found(table: BoxesTable) -> bool:
    return all(duel.at_chance for duel in table.duels)


def about(table: BoxesTable) -> str:
    """What was trained on and tested on, and how."""
    row = table.rows[0]
    counts = {part: sum(getattr(one, part) for one in table.classes) for part in ("train", "test")}
    metric = "COCO's metric" if table.layout == "coco" else _of_voc(table.year)
    return (
        f"Faster R-CNN with these networks, trained on {counts['train']:,} boxes in "
        f"{table.images['train']:,} images for {row.iterations:,} iterations of "
        f"{row.images_per_batch} images, and tested once on {counts['test']:,} boxes in "
        f"{table.images['test']:,} test images. Average precision in percent, {metric}: AP50 "
        "counts a box as found if it overlaps by half (intersection over union of 0.5), AP is the "
        "mean over overlaps from 0.5 to 0.95. Mean ± sample standard deviation over n seeds; "
        "“random weights” is the same detector, trained in the same way from random weights."
    )


def _of_voc(year: int | None) -> str:
    return "VOC's metric of 2007, of 11 points" if year == 2007 else "VOC's metric since 2010"


def notes(table: BoxesTable) -> list[str]:
    """What makes the numbers better than they should be, and what is missing from them."""
    found = [f"{leaks(table.leaks)}."] if table.leaks else []
    if table.pretrained_on:
        found.append(
            f"{table.pretrained_on:,} of {table.images['test']:,} test images lie in the folder "
            "that the networks were pretrained on, without their boxes: expect a little less on "
            "new images."
        )
    if table.pretrained_on is None:
        found.append("Whether test images were among those pretrained on is not known.")
    if without := [one.name for one in table.classes if not one.test]:
        found.append(
            f"No box to be found in the test images, and so no precision: {', '.join(without)}."
        )
    if table.dropped:
        first = table.dropped[0].encode("utf-8", "backslashreplace").decode()
        found.append(
            f"Boxes that could not be used and were dropped: {len(table.dropped):,} (first: "
            f"{first})."
        )
    return found


def cells(table: BoxesTable) -> list[dict[str, str]]:
    """A mapping from column to cell per row."""
    return [
        {
            "network": row.row,
            "n": str(len(row.runs[START[0]])),
            **{
                metric if start == START[0] else f"{metric}, {STARTS[start]}": spread(
                    row.spread(start, metric)
                )
                for metric in METRICS
                for start in START
            },
            "parameters": quantity(row.params_million, 1e6).strip(),
            "time": duration(row.seconds),
        }
        for row in table.rows
    ]


def class_cells(table: BoxesTable) -> list[dict[str, str]]:
    """Of every class the boxes, and the precisions of the pretrained detectors."""
    return [
        {
            "class": one.name,
            "boxes to train on": f"{one.train:,}",
            "boxes to test on": f"{one.test:,}",
            **{
                f"{metric}, {row.row}": _number(row.classes[START[0]].get(one.name), metric)
                for row in table.rows
                for metric in METRICS
            },
        }
        for one in table.classes
    ]


def _number(found: dict[str, float] | None, metric: str) -> str:
    return "-" if found is None else f"{found[metric]:.2f}"


def boxes_page(table: BoxesTable, found: Verdict) -> str:
    """All of it in Markdown."""

    def body(of: list[dict[str, str]]) -> str:
        return tabulate(of, headers="keys", tablefmt="github", disable_numparse=True)

    said = [f"- {' '.join([one.text, *map(_sentence, one.details)])}" for one in found.said]
    said += [f"- {text}" for text in found.sure] + [f"- Next: {step}" for step in found.steps]
    text = ["## Own boxes", f"Scale: {table.scale}. Source: {table.commit}."]
    text += [f"**{found.headline}**", "\n".join(said), about(table), *notes(table)]
    text += [body(cells(table)), body(class_cells(table))]
    return "\n\n".join(text) + "\n"


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."
