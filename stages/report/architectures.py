"""Drawings of the architectures that the tables' rows were made with."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from nassl.genotypes import read_genotype
from stages.report.drawings.genotype import draw
from stages.report.evidence import Evidence


def architectures(evidence: Evidence, runs: Iterable[str]) -> list[dict[str, Any]]:
    """One entry per different genotype that the `runs` (<stage>/<run>) were made with: title, svg,
    facts (name of the selection or search, how it came about). Published networks come last."""
    found: dict[str, dict[str, Any]] = {}
    used = map(evidence.architecture, runs)
    for name in dict.fromkeys(name for name in used if name):
        file = evidence.genotype(name)
        if file is None:
            continue
        genotype = read_genotype(file)
        key = json.dumps(genotype.to_json(), sort_keys=True)
        entry = found.setdefault(key, {"names": [], "space": genotype.space, "facts": []})
        entry["names"].append(name)
        entry["facts"].append((name.partition("/")[2], _fact(evidence, name)))
        entry.setdefault("genotype", genotype)
    drawn = []
    for entry in found.values():
        title = ", ".join(name.partition("/")[2] for name in entry["names"])
        svg = draw(entry.pop("genotype"), f"Architecture {title}")
        drawn.append(entry | {"title": title, "svg": svg})
    return sorted(drawn, key=lambda entry: entry["space"] == "resnet")


def _fact(evidence: Evidence, architecture: str) -> str:
    """How it was selected, and how it compares with the other candidates."""
    stage, run = architecture.split("/")
    metrics = evidence.metrics(stage, run) or {}
    if stage == "search":
        return {
            "manual": "a published network, nothing searched",
            "evolution": f"evolved; {metrics.get('accepted_mutations', 0)} of "
            f"{metrics.get('mutations', 0)} mutations accepted",
        }.get(metrics.get("strategy", ""), "the first seed of its search")
    count = len(evidence.lines["select"][run]["candidates"])
    criterion = metrics.get("criterion", "").replace("_", " ")
    if not metrics:
        return ""
    spread = metrics["spread"]
    seed = metrics["winner"].rpartition("-s")[2]
    return (
        f"seed {seed}, selected of {count} by {criterion}: {metrics['score']:.4f} (mean of all "
        f"{spread['mean']:.4f}" + (f" ± {spread['std']:.4f})" if spread["std"] is not None else ")")
    )
