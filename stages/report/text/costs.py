"""What the top of the page must say about where its runs were computed."""

from __future__ import annotations

from stages.report.numbers.costs import Exceptions


def cautions(exceptions: Exceptions) -> list[str]:
    found = []
    if on_cpu := exceptions.on_cpu:
        found.append(
            f"The plan gives GPUs to runs that were computed on the CPU: {_some(list(on_cpu))}. "
            "Their costs are those of a CPU."
        )
    if moved := [f"{run} ({'; '.join(moves)})" for run, moves in exceptions.moved.items()]:
        found.append(
            f"Runs that continued from a checkpoint of another machine: {_some(moved)}. Bits may "
            "differ from those of an uninterrupted run."
        )
    return found


def _some(names: list[str], shown: int = 3) -> str:
    more = len(names) - shown
    return ", ".join(names[:shown]) + (f" and {more} more" if more > 0 else "")
