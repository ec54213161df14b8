"""How an architecture came about."""

from __future__ import annotations

from stages.report.evidence.architectures import Architecture
from stages.report.evidence.runs import Evidence


def facts(evidence: Evidence, architecture: Architecture) -> list[tuple[str, str]]:
    """(run, what is known of it) of every search and selection that found the architecture."""
    return [(run.partition("/")[2], _fact(evidence, run)) for run in architecture.runs]


def _fact(evidence: Evidence, run: str) -> str:
    """How it was selected, and how it compares with the other candidates."""
    stage, name = run.split("/")
    metrics = evidence.metrics(stage, name) or {}
    if stage == "search":
        return {
            "manual": "a published network, nothing searched",
            "evolution": f"evolved; {metrics.get('accepted_mutations', 0)} of "
            f"{metrics.get('mutations', 0)} mutations accepted",
        }.get(metrics.get("strategy", ""), "the first seed of its search")
    if not metrics:
        return ""
    count = len(evidence.lines["select"][name]["candidates"])
    criterion = metrics.get("criterion", "").replace("_", " ")
    spread = metrics["spread"]
    seed = metrics["winner"].rpartition("-s")[2]
    return (
        f"seed {seed}, selected of {count} by {criterion}: {metrics['score']:.4f} (mean of all "
        f"{spread['mean']:.4f}" + (f" ± {spread['std']:.4f})" if spread["std"] is not None else ")")
    )
