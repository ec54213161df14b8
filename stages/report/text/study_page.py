"""docs/study.md in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tabulate import tabulate

from stages.report.text.study import HEADERS, QUESTIONS, Section

START = """\
# The study: does label-free architecture search work, and does its score predict?

<!-- Written by `python -m stages.report.published` from stages/report/text/study_page.py. -->

Both papers select architectures without labels. Whether that works, and how well the score
predicts, they report without intervals. The study asks it on images that any machine can make:
digits in coloured clutter, with strokes that distract from them
([how they are drawn](../stages/prepare/digits.py)). Its plan is
[paper/study.yaml](../workflow/config/paper/study.yaml), its size
[scale/study.yaml](../workflow/config/scale/study.yaml).

At least 24 random cells, 8 cells of SSNAS and 8 of DARTS are each scored with and without labels,
retrained with three seeds of their own, pretrained and probed; beside them random dense cells,
random chains of blocks, and evolution from three starts with three seeds each.
"""
RUN = """\
## How to run it

```
make study                                     # plan and run: two CPU cores, about two hours
python -m stages.plan paper=study --estimate   # what it costs here
python -m stages.report.published .            # this page from a finished study
```

It is the same graph as everything else: it resumes where it was stopped, and
`results/report.html` shows its answers with figures, `results/tables/study.{json,csv,md}` the
numbers. More of anything, for narrower intervals: `seeds.study-random=48`, `seeds.study=5`,
`seeds.study-searched=16`, `seeds.study-others=20`, `seeds.study-evolved=6`.

The same questions on CIFAR-10, with the archive under `data/` (or `data.cifar10.root=...`):

```
make study STUDY="paper=study scale=study-cifar10"       # two CPU cores: a night
make study STUDY="paper=study scale=study-cifar10-gpu"   # one GPU: an hour
```

Several evenings add up: stop it with Ctrl-C and start it again, or take the finished runs elsewhere
with `dvc push` and `dvc pull` ([sharing](sharing.md)).
"""
ASKED = """\
## What it asks

An answer is an estimate with its 95 % interval, the number of architectures (or of runs) that it
stands on, and a verdict: what is claimed *agrees* or *disagrees* with the results where a two-sided
test at 95 % says so, corrected for the number of tests of its question (Holm), or, where there is
no test, where the interval lies on one side of 0; otherwise it *cannot be told*. Intervals have
their nominal coverage in simulations
([test_coverage.py](../tests/stages/report/numbers/study/test_coverage.py)). In the figures blue
agrees, orange disagrees; of the rest nothing can be told, or nothing is claimed.
"""
NOT_RUN = """\
## What it found

**It has not been run yet**: this page holds no number. What comes out will be stated here, also
where it contradicts a paper.
"""


def study_page(
    sections: Sequence[Section] = (),
    origin: Mapping[str, Any] | None = None,
    figures: Sequence[str] = (),
) -> str:
    """Without an `origin`, what is asked and that it has not been run. `figures` are file names in
    docs/study/ that begin with the letter of their question."""
    if origin is None:
        asked = [f"- **{letter}. {title}** {about}" for letter, (title, about) in QUESTIONS.items()]
        return "\n".join([START, RUN, ASKED, *asked, "", NOT_RUN])
    return "\n".join([START, RUN, ASKED, _found(origin), *_sections(sections, figures)])


def _found(origin: Mapping[str, Any]) -> str:
    machine = origin["machine"]
    return (
        f"## What it found\n\n"
        f"{origin['runs']} runs, {origin['hours']:g} hours of one core or device together, on "
        f"{', '.join(origin['devices'])} ({machine['processor']}, {machine['cores']} cores, "
        f"{machine['memory']}), {origin['date']}; scale `{origin['scale']}`, commit "
        f"`{origin['commit']}`, plan `{origin['plan']}`, run by `{origin['command']}`. Numbers: "
        f"[study/study.csv](study/study.csv).\n"
    )


def _sections(sections: Sequence[Section], figures: Sequence[str]) -> list[str]:
    parts = []
    for section in sections:
        table = tabulate(section.rows, headers=HEADERS, tablefmt="github", disable_numparse=True)
        shown = [
            f"![{section.title}: estimates with intervals](study/{name})\n"
            for name in figures
            if name.startswith(f"{section.letter}-")
        ]
        heading = f"### {section.letter}. {section.title}"
        parts += [f"{heading}\n\n{section.about}\n\n{section.found}\n", *shown, f"{table}\n"]
    return parts
