"""What a plan at the papers' scale does otherwise than the papers, or where they do not say: the
marks of its settings (`stages.plan.decisions`), and what its resources change."""

from __future__ import annotations

from dataclasses import dataclass

from stages.report.evidence.asked import Report
from stages.report.evidence.runs import Evidence


@dataclass(frozen=True)
class Decision:
    """`why` as the settings say it; or the devices that a recipe is for, of a detector that is
    trained on fewer or more (`value`)."""

    setting: str
    value: str
    why: str = ""
    reference_devices: int = 0


def decisions(report: Report, evidence: Evidence) -> list[Decision]:
    """Nothing at a scale that is not compared."""
    if report.scale != "paper":
        return []
    marked = [Decision(one.setting, one.value, one.why) for one in report.decisions]
    detections = evidence.plan.get("detection") or {}
    return marked + [
        Decision(
            f"detection.devices of {name}",
            str(max(settings["devices"], 1)),
            reference_devices=settings["reference_devices"],
        )
        for name, settings in detections.items()
        if max(settings["devices"], 1) != settings["reference_devices"]
    ]
