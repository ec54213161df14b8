"""Your own images: what to do next, in sentences made from numbers.

Commands and settings are written in `backticks`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from stages.report.numbers.own_training import FALLS, TOO_SHORT, Trend
from stages.report.numbers.own_verdict import (
    BASELINE,
    FEW_IMAGES,
    LOSS,
    NOISE,
    ONE_SEED,
    PRETRAINING,
    SEARCH,
    WORSE,
    Duel,
    Judgement,
)

FEWEST = 3  # seeds: two leave a test over them hardly a chance
AFFORDABLE = 30  # seeds; a difference that takes more of them to be seen is called small


def steps(found: Judgement, trend: Trend | None) -> Iterable[str]:
    """The most urgent first; `trend` is that of the best network's pretraining loss."""
    yield from epochs(trend, found.learnt)
    yield from seeds(found.duels)
    if found.answer(PRETRAINING) == WORSE or found.learnt is False or found.at_chance:
        yield (
            "Look at the examples below: what cannot be seen in them cannot be learnt. "
            f"`data.{found.subject.data}.image_size` makes them larger."
        )
        return
    taken = found.subject.row
    if found.answer(BASELINE) == WORSE:
        taken = found.of(BASELINE)[0].names[1]
    yield (
        f"Export {taken}: `python -m stages.export --run {found.runs[taken]} --format onnx --out "
        "network.onnx`."
    )
    if not found.subject.n_tested_on:
        yield "Label some of the images, in class folders: then the networks can be judged."
    elif "finetune_accuracy" not in found.subject.values:
        yield (
            "Fine-tune it on your labels, to see what they add: plan again with "
            "`papers.own.tables.networks.each.finetune=finetune-all`."
        )


def epochs(trend: Trend | None, learnt: bool | None) -> Iterable[str]:
    """Whether to pretrain for longer."""
    if trend is None:
        return
    setting = f"recipe.{trend.recipe}.epochs={2 * trend.epochs}"
    longer = f": plan again with `{setting}`" if trend.recipe else ""
    count, verb = ("1 epoch", "is") if trend.epochs == 1 else (f"{trend.epochs} epochs", "are")
    if learnt is False:
        yield f"Pretrain for longer: after {count} the loss is still at chance{longer}."
    elif trend.verdict == TOO_SHORT:
        yield f"Pretrain for longer: {count} {verb} too short to see where the loss goes{longer}."
    elif trend.verdict == FALLS:
        yield (
            f"Pretrain for longer: the loss still fell by {100 * trend.fall:.1f} % over the second "
            f"half of the {count}{longer}."
        )


SUBJECTS = {
    PRETRAINING: "whether pretraining helps",
    SEARCH: "whether searching helps",
    BASELINE: "which of the two networks is better",
}


def seeds(duels: Sequence[Duel], subjects: Mapping[str, str] | None = None) -> Iterable[str]:
    """How many more of them would tell what no measure tells; `subjects` has words for it."""
    alone = []  # settings of which one seed was run
    for question, what in (SUBJECTS if subjects is None else subjects).items():
        asked = [duel for duel in duels if duel.question == question]
        if not asked or any(not duel.reason for duel in asked):
            continue
        key = "search" if asked[0].measure == LOSS else "own"
        needed = [duel.seeds for duel in asked if duel.reason == NOISE]
        if any(duel.reason == ONE_SEED for duel in asked):
            alone.append(key)
        elif needed:
            yield _more(what, key, asked[0].n, min(needed))
        elif any(duel.reason == FEW_IMAGES for duel in asked):
            yield f"Test on more images, to tell {what}: label more, or raise `test_fraction`."
    for key in dict.fromkeys(alone):
        yield (
            f"Run at least {FEWEST} seeds: with one nothing is known of the noise. Plan again with "
            f"`seeds.{key}={FEWEST}`."
        )


def _more(what: str, key: str, now: int, needed: int) -> str:
    if needed > AFFORDABLE:
        return (
            f"Take it that there is no difference worth having: to tell {what} would take more "
            f"than {AFFORDABLE} seeds."
        )
    count = max(needed, now + 1, FEWEST)
    return (
        f"Run {count} seeds instead of {now}: if the difference is as large as it seems, they tell "
        f"{what} in four of five cases. Plan again with `seeds.{key}={count}`."
    )
