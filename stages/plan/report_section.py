"""The section `report` of a plan: the rows of every table, with the runs that make them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Tables of no paper: nothing was reported.
OWN = "own."  # your own images
BOXES = "own.boxes"  # and your own boxes
STUDY = "study."  # rows that the study's questions are asked of


def report_section(
    scale: str, runs: Mapping[str, Any], tables: Mapping[str, list[dict[str, Any]]]
) -> dict[str, Any]:
    """`runs[stage][name]` is a run's line; `tables[paper.table]` lists rows."""
    own, study = (
        {name: rows for name, rows in tables.items() if name.startswith(kind)}
        for kind in (OWN, STUDY)
    )
    papers = {name: rows for name, rows in tables.items() if name not in own | study}
    # Where dvc.yaml finds what the report reads of a stage; without runs, the stage's code.
    below = {stage: "results" if lines else "stages" for stage, lines in runs.items()}
    section: dict[str, Any] = {"scale": scale, "below": below, "tables": papers}
    boxes = own.pop(BOXES, [])
    if own:
        section["own"] = [row for rows in own.values() for row in rows]
    if boxes:
        section["boxes"] = boxes
    if study:
        section["study"] = {name.removeprefix(STUDY): rows for name, rows in study.items()}
    return section
