"""What a plan at the papers' scale does otherwise than the papers, or where they do not say: the
marks of its settings (`stages.plan.decisions`), and what its resources change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from stages.report.evidence import Evidence
from stages.report.settings import Report


def shown_decisions(report: Report, evidence: Evidence) -> list[dict[str, str]]:
    """Setting, value and reason of each; nothing at a scale that is not compared."""
    if report.scale != "paper":
        return []
    found = [{key: str(value) for key, value in entry.items()} for entry in report.decisions]
    return found + _devices(evidence.plan.get("detection") or {})


def _devices(detections: dict[str, Any]) -> list[dict[str, str]]:
    """Detectors that are trained on fewer devices than their recipe is for."""
    return [
        {
            "setting": f"detection.devices of {name}",
            "value": str(max(settings["devices"], 1)),
            "why": f"the recipe is for {settings['reference_devices']}: images per batch, learning "
            "rate and iterations are scaled together, batch norm sees fewer images",
        }
        for name, settings in detections.items()
        if max(settings["devices"], 1) != settings["reference_devices"]
    ]


def in_markdown(found: Sequence[dict[str, str]]) -> str:
    """A list for the page of all tables."""
    lines = [
        f"- {entry['setting']}" + (f" = {entry['value']}" if entry["value"] else "")
        + f": {entry['why']}"
        for entry in found
    ]  # fmt: skip
    head = "## Decisions: what the papers do not say, or what is done otherwise\n"
    return "\n".join([head, *lines, ""])
