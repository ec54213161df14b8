"""How far the graph is: one line, and one for every run that is at work.

  python workflow/watch.py     on a terminal until nothing is at work any more; elsewhere once

It can be started and stopped at any time, in any other terminal. Times are the plan's estimate,
scaled by what finished and running trainings of this plan have really taken.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from how_far import Progress, Watch, in_words
from rich.console import Console
from rich.live import Live
from rich.text import Text

sys.path.insert(0, str(Path(__file__).parents[1]))
from stages.runs.command import refusals

PAUSE = 3.0  # seconds between two looks


def lines(progress: Progress, now: float) -> Iterator[str]:
    waiting = len(progress.jobs) - len(progress.done) - len(progress.running)
    text = f"{len(progress.done)} of {len(progress.jobs)} jobs done"
    if len(progress.done) == len(progress.jobs):
        yield text
        return
    text += f", {len(progress.running)} running, {waiting} left"
    if not progress.at_work:
        yield f"{text}; nothing is at work: `snakemake --cores all` goes on"
        return
    if progress.estimating:
        yield f"{text}; the end is being estimated"
    elif progress.left is None:
        yield f"{text}; the end is known once a training has saved or ended"
    else:
        day = "%H:%M" if progress.left < 86400 else "%a %d %b, %H:%M"
        until = time.strftime(day, time.localtime(now + progress.left))
        yield f"{text}; about {in_words(progress.left)} to go, until {until}"
    width = max((len(run.name) for run in progress.running), default=0)
    for run in progress.running:
        yield f"  {run.name:{width}}  {run.place}  {run.values}".rstrip()


def main() -> None:
    console = Console(highlight=False)
    with refusals("watch"):
        watch = Watch()
        if not console.is_terminal:
            watch.estimate()
            print("\n".join(lines(watch.look(), time.time())))
            return
        try:
            with Live(console=console, auto_refresh=False) as live:
                follow(watch, live)
        except KeyboardInterrupt:  # what it looks at goes on
            return


def follow(watch: Watch, live: Live) -> None:
    """Until nothing is at work. The estimate is made after the first look, which needs none."""
    while True:
        progress = watch.look()
        live.update(Text("\n".join(lines(progress, time.time()))), refresh=True)
        if not progress.at_work:
            return
        if watch.estimated is None:
            watch.estimate()
        else:
            time.sleep(PAUSE)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # what is running needs the cores
    main()
