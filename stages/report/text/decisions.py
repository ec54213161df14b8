"""Decisions, in words."""

from __future__ import annotations

from collections.abc import Sequence

from stages.report.numbers.decisions import Decision


def reason(decision: Decision) -> str:
    return decision.why or (
        f"the recipe is for {decision.reference_devices}: images per batch, learning rate and "
        f"iterations are scaled together, batch norm sees another number of images"
    )


def in_markdown(found: Sequence[Decision]) -> str:
    """A list for the page of all tables."""
    head = "## Decisions: what the papers do not say, or what is done otherwise\n"
    return "\n".join([head, *map(_line, found), ""])


def _line(decision: Decision) -> str:
    value = f" = {decision.value}" if decision.value else ""
    return f"- {decision.setting}{value}: {reason(decision)}"
