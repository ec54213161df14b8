"""Your own images: the verdict in plain words, and how sure it is.

Every sentence is made from numbers. Files and commands are written in `backticks`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from stages.report.numbers.own import OwnRow, OwnTable
from stages.report.numbers.own_training import Trend
from stages.report.numbers.own_verdict import (
    AT_CHANCE,
    BASELINE,
    BETTER,
    FEW_IMAGES,
    LOSS,
    MIXED,
    NO_SPREAD,
    ONE_SEED,
    PRETRAINING,
    SEARCH,
    TIE,
    WORSE,
    Duel,
    Judgement,
    judge,
    sampling,
)
from stages.report.numbers.statistics import mean
from stages.report.numbers.verdicts import UNKNOWN
from stages.report.text.own_steps import steps
from stages.report.text.wording import points, quantity, words

ALIKE = 2.0  # factor in multiply-adds within which two networks are of similar size


@dataclass(frozen=True)
class Said:
    """The answer to one question, and a line for each measure that it rests on."""

    verdict: str
    text: str
    details: tuple[str, ...]


@dataclass(frozen=True)
class Verdict:
    """`headline` answers all at once; `sure` says what its uncertainty is."""

    kind: str  # better, worse, cannot be told
    headline: str
    said: tuple[Said, ...]
    sure: tuple[str, ...]
    steps: tuple[str, ...]


def verdict(table: OwnTable, trend: Trend | None = None) -> Verdict:
    """`trend` is that of the best network's pretraining loss."""
    found = judge(table)
    kind, text = headline(found)
    return Verdict(
        kind,
        text,
        tuple(_said(found, question, table) for question in QUESTIONS if found.of(question)),
        tuple(_sure(found)),
        tuple(steps(found, trend)),
    )


def headline(found: Judgement) -> tuple[str, str]:
    """(better, worse or cannot be told; a sentence or two)."""
    pretraining, baseline = found.answer(PRETRAINING), found.answer(BASELINE)
    name = found.subject.row
    if pretraining is None:
        return UNKNOWN, _without_labels(found)
    if pretraining == WORSE:
        return WORSE, "Do not use these weights: the pretrained network is worse than random ones."
    if pretraining != BETTER:
        return UNKNOWN, "Whether pretraining helped cannot be told."
    other = found.of(BASELINE)[0].names[1] if baseline else ""
    if baseline is None:
        return BETTER, f"Pretraining helped: use the network of {name}."
    if baseline == BETTER:
        text = f"Use the network of {name}: pretraining helped, and it is better than {other}."
        return BETTER, text
    if baseline == WORSE:
        return WORSE, f"Take {other} instead: pretraining helped, but {name} is worse than {other}."
    return BETTER, (
        f"Pretraining helped; whether {name} is better than {other}, which needs no search, cannot "
        "be told."
    )


def _without_labels(found: Judgement) -> str:
    text = "How good the networks are cannot be told without labels"
    if found.learnt is None:
        return f"{text}."
    if found.learnt:
        return f"{text}; pretraining has learnt to tell your images apart."
    return f"{text}, and pretraining has not learnt to tell your images apart (loss at chance)."


# What is asked -> (if better, if worse, if it cannot be told, if measures differ).
QUESTIONS = {
    PRETRAINING: (
        "The pretrained network of {row} is better than the same network with random weights.",
        "The pretrained network of {row} is worse than the same network with random weights.",
        "Whether the pretrained network of {row} is better than the same network with random "
        "weights cannot be told.",
        "The pretrained network of {row} is better than the same network with random weights in "
        "one measure and worse in another.",
    ),
    SEARCH: (
        "The searched cell ({one}) is better than a random one.",
        "The searched cell ({one}) is worse than a random one.",
        "Whether the searched cell ({one}) is better than a random one cannot be told.",
        "The searched cell ({one}) is better than a random one in one measure and worse in "
        "another.",
    ),
    BASELINE: (
        "{one} is better than {other} pretrained alike{sizes}.",
        "{one} is worse than {other} pretrained alike{sizes}.",
        "Whether {one} is better than {other} pretrained alike cannot be told{sizes}.",
        "{one} is better than {other} pretrained alike in one measure and worse in another{sizes}.",
    ),
}


def _said(found: Judgement, question: str, table: OwnTable) -> Said:
    duels, answer = found.of(question), found.answer(question)
    form = QUESTIONS[question][(BETTER, WORSE, UNKNOWN, MIXED).index(answer)]
    one, other = duels[0].names
    rows = {row.row: row for row in table.rows}
    sizes = _sizes(rows[one], rows[other]) if question == BASELINE else ""
    text = form.format(row=found.subject.row, one=one, other=other, sizes=sizes)
    if duels[0].measure == LOSS:  # which does not say how good the features are
        text = f"By contrastive loss, {text[0].lower()}{text[1:]}"
    return Said(answer, text, tuple(map(detail, duels)))


def _sizes(one: OwnRow, other: OwnRow) -> str:
    """` (46 M against 35 M multiply-adds, ...)`."""
    low, high = sorted((one.flops, other.flops))
    unlike = "" if high <= ALIKE * low else ": not of similar size"
    return (
        f" ({quantity(one.flops).strip()} against {quantity(other.flops).strip()} multiply-adds an "
        f"image, {quantity(one.params_million, 1e6).strip()} against "
        f"{quantity(other.params_million, 1e6).strip()} parameters{unlike})"
    )


def detail(duel: Duel) -> str:
    """`linear accuracy: pretrained 61.25 %, with random weights 40.00 %; 21.25 points more ...`."""
    if duel.measure == LOSS:
        unit, form, what = "nats", "{:.4f}", "held-out contrastive loss of the candidates"
    else:
        unit, form, what = "%", "{:.2f}", words(duel.measure)
    one, other = (form.format(mean(side)) for side in (duel.one, duel.other))
    text = f"{what}: {duel.names[0]} {one} {unit}, {duel.names[1]} {other} {unit}; "
    return text + (_why(duel) if duel.verdict == UNKNOWN else _by(duel, form))


def _by(duel: Duel, form: str) -> str:
    unit = "nats" if duel.measure == LOSS else "points"
    more = "more" if duel.difference > 0 else "less"
    low, high = (form.format(end) for end in duel.interval)
    return (
        f"{form.format(abs(duel.difference))} {unit} {more} (95 % interval of the difference "
        f"{low} to {high}, p = {duel.adjusted:.2g})"
    )


def _why(duel: Duel) -> str:
    """Why it cannot be told."""
    if duel.reason == ONE_SEED:
        return "with one seed on a side nothing is known of the noise"
    if duel.reason == TIE:
        return "the same"
    if duel.reason == NO_SPREAD:
        return "no seed differs from another, which leaves nothing to judge the difference by"
    if duel.reason == AT_CHANCE and duel.measure == LOSS:
        return f"both at chance ({duel.chance:.4f} nats, all images equally alike)"
    if duel.reason == AT_CHANCE:
        return f"neither is better than guessing, which reaches up to {duel.chance:.2f} %"
    if duel.reason == FEW_IMAGES:
        low, high = duel.image_interval
        return (
            f"the difference may be that of these {duel.tested:,} test images alone (95 % interval "
            f"over draws of images {low:.2f} to {high:.2f})"
        )
    low, high = duel.interval
    form = "{:.4f}" if duel.measure == LOSS else "{:.2f}"
    return (
        f"within the noise between seeds (95 % interval of the difference {form.format(low)} to "
        f"{form.format(high)}, p = {duel.adjusted:.2g})"
    )


def _sure(found: Judgement) -> Iterable[str]:
    """What the uncertainty of the verdict is made of."""
    tested = found.subject.n_tested_on
    if tests := sum(duel.p is not None for duel in found.duels):
        images = (
            f", and beyond what the draw of {tested:,} test images explains (Newcombe's interval, "
            "95 %)"
        )
        yield (
            "Better and worse mean beyond the noise between seeds: a two-sided test at 95 %, "
            f"after Holm's correction for {tests} test{'' if tests == 1 else 's'}"
            f"{images if tested else ''}."
        )
    if tested:
        yield (
            f"All accuracies are of the same {tested:,} test images: on other images like them "
            f"each may differ by up to {points(sampling(tested))} (95 %)."
        )
