"""How an architecture came about."""

from __future__ import annotations

from stages.report.evidence.architectures import Architecture, Search, Selection, origin
from stages.report.evidence.runs import Evidence
from stages.report.text.wording import words


def facts(evidence: Evidence, architecture: Architecture) -> list[tuple[str, str]]:
    """(run, what is known of it) of every search and selection that found the architecture."""
    return [(run.partition("/")[2], _fact(origin(evidence, run))) for run in architecture.runs]


def _fact(found: Search | Selection | None) -> str:
    """How it was selected, and how it compares with the other candidates."""
    if found is None:
        return ""
    if isinstance(found, Selection):
        spread = f"{found.mean:.4f}" + (f" ± {found.std:.4f}" if found.std is not None else "")
        return (
            f"seed {found.seed}, selected of {found.count} by {words(found.criterion)}: "
            f"{found.score:.4f} (mean of all {spread})"
        )
    if found.strategy == "manual":
        return "a published network, nothing searched"
    if found.strategy == "evolution":
        return f"evolved; {found.accepted} of {found.mutations} mutations accepted"
    return "the first seed of its search"
