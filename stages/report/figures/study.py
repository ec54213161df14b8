"""The study's answers as intervals, one row each, beside the line that nothing would be on."""

from __future__ import annotations

from collections.abc import Sequence

from stages.report.figures.charts import Plot, axis, rows_axis
from stages.report.numbers.study.answers import NUMBER, POINTS, SHARE, TAU, Answer
from stages.report.numbers.verdicts import AGREES, DISAGREES

AXES = {
    POINTS: "percentage points",
    TAU: "Kendall's tau",
    SHARE: "share",
    NUMBER: "number",
}
COLOURS = {AGREES: "s1", DISAGREES: "s2"}  # others, of which nothing is known, in ink
ROW, WIDTH, CHARACTER = 22, 860, 6.1  # pixels; of a letter of the row names


def study_figures(answers: Sequence[Answer]) -> list[tuple[str, str]]:
    """(unit, SVG) for every unit among the answers of a question, with finite estimates."""
    found = []
    for unit in AXES:
        shown = [a for a in answers if a.unit == unit and a.estimate == a.estimate]
        if shown:
            found.append((unit, _forest(unit, shown)))
    return found


def _forest(unit: str, answers: Sequence[Answer]) -> str:
    ends = [end for a in answers for end in (a.estimate, *(a.interval95 or ()))]
    names = [f"{a.what}; {a.among}" for a in answers][::-1]
    left = round(16 + CHARACTER * max(map(len, names)))
    plot = Plot(
        axis(AXES[unit], [0.0, *ends]), rows_axis(len(names)), width=max(WIDTH, left + 320),
        height=ROW * len(names) + 62, left=left,
    )  # fmt: skip
    plot.rule(0.0)
    for row, answer in enumerate(reversed(answers)):
        css = COLOURS.get(answer.verdict, "ink")
        if answer.interval95:
            plot.span(*answer.interval95, row, css)
        tip = f"{names[row]}: {answer.estimate:.3g} ({answer.verdict or 'estimate'})"
        plot.dot(answer.estimate, row, css, tip=tip)
    text = "; ".join(f"{a.what}, {a.among}: {a.estimate:.3g}" for a in answers)
    return plot.svg(f"Estimates with 95 % intervals, {AXES[unit]}", text, names)
