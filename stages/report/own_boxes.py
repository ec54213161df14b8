"""The section of own boxes, as the template of the page needs it."""

from __future__ import annotations

from typing import Any

from stages.report.evidence.data import prepared_data
from stages.report.evidence.runs import Evidence
from stages.report.figures.detections import detections
from stages.report.numbers.own_boxes import START, BoxesTable
from stages.report.text import own_boxes
from stages.report.text.data import remarks
from stages.report.text.own_boxes import boxes_verdict


def boxes_section(table: BoxesTable, evidence: Evidence) -> dict[str, Any]:
    """Raises InputError naming a picture that cannot be read."""
    drawn = {f"transfer/{found.run}": found.images for found in detections(evidence)}
    return {
        "verdict": boxes_verdict(table),
        "about": own_boxes.about(table),
        "notes": own_boxes.notes(table),
        "cells": own_boxes.cells(table),
        "classes": own_boxes.class_cells(table),
        "left_out": [
            text
            for prepared in prepared_data(evidence)
            if prepared.name == table.data
            for text in remarks(prepared)
        ],
        "detections": [
            {"row": row.row, "images": drawn[run]}
            for row in table.rows
            for run in row.runs[START[0]][:1]
            if run in drawn
        ],
    }
