"""What the results say, in sentences made from the numbers: the head of the page."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from stages.report.evidence.data import Leak
from stages.report.numbers.costs import FINDING, StageCost
from stages.report.numbers.evolution import Evolution
from stages.report.numbers.headline import counts, gain
from stages.report.numbers.margins import CHANCE, TOLD_APART, Differences, Margins
from stages.report.numbers.order import verdicts
from stages.report.numbers.rows import Comparison, Table
from stages.report.numbers.study.answers import Answer
from stages.report.numbers.verdicts import AGREES, DISAGREES, UNKNOWN
from stages.report.text.data import leak
from stages.report.text.order import TESTS, tally
from stages.report.text.prediction import Answer as Predicted
from stages.report.text.study import highlights
from stages.report.text.wording import TITLES, compared, duration


@dataclass(frozen=True)
class Finding:
    """`figure` is a short number."""

    figure: str
    text: str


def of_leaks(leaks: Iterable[Leak]) -> list[Finding]:
    """Come before all other findings, which may depend on these images."""
    return [Finding("leak", f"{leak(one)}; every accuracy on them is too high.") for one in leaks]


def of_study(answers: Sequence[Answer]) -> list[Finding]:
    """One for every question of the study."""
    return [Finding(figure, text) for figure, text in highlights(answers)]


def of_tables(tables: Sequence[Table]) -> list[Finding]:
    """What the papers' tables say together."""
    return [*of_rows(tables), *of_order(tables), *of_own_methods(tables), *of_gain(tables)]


def of_rows(tables: Sequence[Table]) -> list[Finding]:
    if not tables:
        return []
    rows = counts(tables)
    text = f"{rows.made} of the {rows.runnable} rows that can be run were run"
    if missing := rows.runnable - rows.made:
        text += f"; {missing} {'is' if missing == 1 else 'are'} not in this plan"
    if rows.quoted:
        text += f". {rows.quoted} rows are quoted by the papers from elsewhere and only shown"
    return [Finding(f"{rows.made}/{rows.runnable}", text + ".")]


def of_order(tables: Iterable[Table]) -> list[Finding]:
    found = [comparison for table in tables for comparison in table.comparisons]
    if not found:
        return []
    text = tally(found)
    return [_known(found, f"{text[0].upper()}{text[1:]}. {TESTS}")]


def of_own_methods(tables: Sequence[Table]) -> list[Finding]:
    """Per paper: how often its own method is ahead where the paper has it ahead."""
    found = []
    for paper in dict.fromkeys(table.paper.paper for table in tables):
        own = [
            comparison
            for table in tables
            if table.paper.paper == paper
            for comparison in table.comparisons
            if comparison.behind
            and comparison.ahead.row.reported.ours
            and not comparison.behind.row.reported.ours
        ]
        if own:
            counts = verdicts(own)
            text = (
                f"{TITLES.get(paper, paper)} claims that its own method is ahead of another one in "
                f"{compared(len(own))} among the rows made here; here it is ahead in "
                f"{counts[AGREES]}, behind in {counts[DISAGREES]}, and in {counts[UNKNOWN]} that "
                f"cannot be told."
            )
            found.append(_known(own, text))
    return found


def _known(found: Collection[Comparison], text: str) -> Finding:
    return Finding(f"{verdicts(found)[AGREES]}/{len(found)}", text)


def of_gain(tables: Iterable[Table]) -> list[Finding]:
    found = gain(tables)
    if not found:
        return []
    text = (
        f"A linear classifier on pretrained networks reaches on average {found.mean_ratio:.2f} "
        f"times the accuracy of one on the same networks with random weights; pretraining without "
        f"labels helps in {found.rows_above} of {found.rows} rows."
    )
    return [Finding(f"{found.mean_ratio:.2f} x", text)]


def of_prediction(answers: Iterable[Predicted]) -> list[Finding]:
    return [Finding(answer.short, answer.text) for answer in answers]


def of_chance(margins: Iterable[Margins]) -> list[Finding]:
    """How many candidates are at chance: a network that has learnt nothing gives equal similarities
    to all images, and so a loss of ln(2 N - 1), where N is the batch."""
    candidates = [one for group in margins for one in group.candidates if one.chance]
    if not candidates:
        return []
    at_chance = [one for one in candidates if one.loss > CHANCE * one.chance]
    text = (
        f"{len(at_chance)} of {len(candidates)} scored candidates have a contrastive loss within "
        f"{100 * (1 - CHANCE):.0f} % of chance (ln(2N - 1), all similarities equal; N is the batch)"
    )
    if at_chance:
        text += ": their short training has not learnt to tell images apart"
    return [Finding(f"{len(at_chance)}/{len(candidates)}", text + ".")]


def of_differences(differences: Sequence[Differences]) -> list[Finding]:
    """Whether label-free scores say more than the draw of the views that they are made with."""
    if not differences:
        return []
    apart = sum(one.told_apart for one in differences)
    each = "; ".join(
        f"{one.data}: {one.spread:.4f} nats over {one.candidates} candidates, {one.noise:.4f} for "
        f"other views"
        for one in differences
    )
    text = (
        f"In {apart} of {len(differences)} groups of candidates judged alike, the label-free "
        f"scores differ by at least {TOLD_APART:.0f} times what another draw of views would change "
        f"(standard deviations; {each}). The others are ranked by noise."
    )
    if apart == len(differences):
        text = text.removesuffix(" The others are ranked by noise.")
    return [Finding(f"{apart}/{len(differences)}", text)]


def of_collapse(collapsed: int, known: int) -> list[Finding]:
    if not known:
        return []
    text = (
        f"{collapsed} of {known} gradient searches collapsed (more than two skip connections "
        f"in the normal cell)."
    )
    return [Finding(f"{collapsed}/{known}", text)]


def of_margins(margins: Iterable[Margins]) -> list[Finding]:
    groups = list(margins)
    count = sum(len(group.candidates) for group in groups)
    if not count:
        return []
    positive = sum(group.positive for group in groups)
    text = (
        f"For {positive} of {count} scored candidates the mean margin is positive: an image is "
        f"then, on average, nearer to its own other view than to any other image of the batch."
    )
    return [Finding(f"{positive}/{count}", text)]


def of_evolution(evolutions: Sequence[Evolution]) -> list[Finding]:
    tried = sum(len(evolution.mutations) for evolution in evolutions)
    if not tried:
        return []
    accepted = sum(evolution.accepted for evolution in evolutions)
    share = f"{100 * accepted / tried:.0f} %"
    text = (
        f"{len(evolutions)} evolution{'s' if len(evolutions) > 1 else ''} tried {tried} mutations "
        f"and accepted {accepted} of them ({share})."
    )
    return [Finding(share, text)]


def of_costs(stages: Sequence[StageCost]) -> list[Finding]:
    total = sum(stage.spent.seconds for stage in stages)
    if not total:
        return []
    runs = sum(stage.measured for stage in stages)
    search = sum(stage.spent.seconds for stage in stages if stage.stage in FINDING)
    text = (
        f"All {runs} measured runs together took {duration(total)} on: "
        f"{', '.join(devices(stages))}; "
        f"{100 * search / total:.0f} % of it for finding architectures (search and score)."
    )
    return [Finding(duration(total), text)]


def devices(stages: Iterable[StageCost]) -> list[str]:
    """All that the stages ran on, each once."""
    return sorted({stage.spent.devices for stage in stages if stage.spent.devices})
