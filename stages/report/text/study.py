"""The study in words: its questions, what was found, and its table as records and Markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tabulate import tabulate

from stages.report.numbers.study.answers import NUMBER, POINTS, SHARE, TAU, Answer, of
from stages.report.numbers.verdicts import AGREES, DISAGREES, UNKNOWN

QUESTIONS = {
    "a": (
        "Does the score predict?",
        "Kendall's tau between a score after a short training, or without any, and the mean "
        "accuracy after retraining; high is good for every score. At equal FLOPs: Kendall's "
        "partial tau, without what both share with the size.",
    ),
    "b": (
        "What is selecting by it worth?",
        "Of every group of four architectures the one of best score is taken. Its accuracy is "
        "compared with the mean of the four, and with what full training with the other seeds "
        "would take: every accuracy is of a seed that nothing was chosen by.",
    ),
    "c": (
        "SSNAS, DARTS, random",
        "Architectures are the sample: each counts with the mean over its seeds. At equal FLOPs: "
        "analysis of covariance with the logarithm of the FLOPs. A search has collapsed if its "
        "normal cell has more than two skip connections.",
    ),
    "d": (
        "Evolution",
        "Do better starts give better ends, is what evolved better than random structures, and is "
        "what elimination removes bad? Of two starts the one that is better here is named first; "
        "the order of their ends says something only where the starts are known to differ.",
    ),
    "e": (
        "How much is there to select?",
        "Variance of the accuracy after retraining, split into architecture and seed (random "
        "effects). Knowing the truth, the best of four is 1.03 deviations between architectures "
        "better than their mean; the share of that which the score gets is given where "
        "architectures are known to differ.",
    ),
    "f": (
        "Split sets, and labels",
        "SSNAS with the images split between weights and alphas against one set for both, in pairs "
        "of the same seed; and cells fine-tuned from pretrained and from random weights.",
    ),
}
# What the head of the page says of each question: (what, among).
HIGHLIGHTS = {
    "a": ("contrastive loss", "all cells"),
    "b": ("contrastive loss: better than the mean of four by", "all cells"),
    "c": ("accuracy after retraining", "SSNAS against random cells"),
    "d": ("accuracy after retraining, at equal FLOPs", "evolved against random chains"),
    "e": ("deviation between architectures", "random cells"),
    "f": ("accuracy after retraining", "split against one set"),
}
COLUMNS = ("question", "what", "among", "unit", "estimate", "low", "high", "n", "claim", "p",
           "verdict")  # fmt: skip
HEADERS = ("what", "among", "estimate", "95 % interval", "n", "claim", "verdict")
DIGITS = {POINTS: "{:+.2f}", TAU: "{:+.2f}", SHARE: "{:.2f}", NUMBER: "{:+.2f}"}


@dataclass(frozen=True)
class Section:
    """A question with its answers; `rows` are texts in the order of `HEADERS`."""

    letter: str
    title: str
    about: str
    found: str
    rows: tuple[tuple[str, ...], ...]


def sections(answers: Sequence[Answer]) -> list[Section]:
    """Those of the questions that the plan answers."""
    return [
        Section(
            letter,
            title,
            about,
            counted(of(answers, letter)),
            tuple(map(_row, of(answers, letter))),
        )
        for letter, (title, about) in QUESTIONS.items()
        if of(answers, letter)
    ]


def highlights(answers: Sequence[Answer]) -> list[tuple[str, str]]:
    """(a short number, a sentence) of one answer per question."""
    found = []
    for letter, wanted in HIGHLIGHTS.items():
        chosen = {(a.what, a.among): a for a in of(answers, letter)}.get(wanted)
        if chosen is None:
            continue
        _, _, estimate, interval, n, claim, verdict = _row(chosen)
        about = f"{interval}, n = {n}" if chosen.interval95 else f"no interval, n = {n}"
        title, subject = QUESTIONS[letter][0].rstrip("?"), "it " if chosen.unit == TAU else ""
        text = (
            f"Study, {letter}. {title}: {chosen.what}, {chosen.among}: {estimate} {chosen.unit} "
            f"({about}). That {subject}{claim}: {verdict}."
        )
        found.append((f"{letter} {estimate}", text))
    return found


def counted(answers: Sequence[Answer]) -> str:
    """`Of 12 claims 3 agree ...`."""
    counts = Counter(answer.verdict for answer in answers if answer.claim)
    total = sum(counts.values())
    if not total:
        return "Nothing is claimed here."
    return (
        f"Of {total} claim{'' if total == 1 else 's'}, {counts[AGREES]} can be said to hold, "
        f"{counts[DISAGREES]} not to hold (the opposite does), and {counts[UNKNOWN]} cannot be "
        f"told."
    )


def study_records(answers: Sequence[Answer]) -> list[dict[str, Any]]:
    """A record per answer, for JSON and CSV; numbers that are not known are None."""
    return [
        dict(
            zip(
                COLUMNS,
                (
                    a.question,
                    a.what,
                    a.among,
                    a.unit,
                    a.estimate if a.estimate == a.estimate else None,
                    *(a.interval95 or (None, None)),
                    " and ".join(map(str, a.n)),
                    a.claim,
                    a.p,
                    a.verdict,
                ),
                strict=True,
            )
        )
        for a in answers
    ]


def from_records(records: Sequence[dict[str, Any]]) -> list[Answer]:
    """The answers that `study_records` wrote, read from CSV; texts are numbers again."""

    def number(text: Any) -> float | None:
        return None if text in (None, "") else float(text)

    found = []
    for record in records:
        low, high, estimate = (number(record[key]) for key in ("low", "high", "estimate"))
        found.append(
            Answer(
                *(record[key] for key in ("question", "what", "among", "unit")),
                estimate=float("nan") if estimate is None else estimate,
                interval95=None if low is None or high is None else (low, high),
                n=tuple(map(int, record["n"].split(" and "))),
                claim=record["claim"],
                p=number(record["p"]),
                verdict=record["verdict"],
            )
        )
    return found


def study_markdown(answers: Sequence[Answer], heading: str = "##") -> str:
    """All questions with their tables."""
    parts = []
    for section in sections(answers):
        table = tabulate(section.rows, headers=HEADERS, tablefmt="github", disable_numparse=True)
        parts.append(
            f"{heading} {section.letter}. {section.title}\n\n{section.about}\n\n{section.found}\n\n"
            f"{table}\n"
        )
    return "\n".join(parts)


def _row(answer: Answer) -> tuple[str, ...]:
    digits = DIGITS[answer.unit]
    known = answer.estimate == answer.estimate
    interval = answer.interval95
    return (
        answer.what,
        answer.among,
        digits.format(answer.estimate) if known else "-",
        f"{digits.format(interval[0])} to {digits.format(interval[1])}" if interval else "-",
        " and ".join(map(str, answer.n)),
        answer.claim or "-",
        answer.verdict or "-",
    )
