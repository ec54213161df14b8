"""results/report.html of a plan for your own images: their own page, without any paper.

Only sections that have something in them are on it, and in its contents.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stages.report.evidence.architectures import architectures
from stages.report.evidence.asked import Report
from stages.report.evidence.data import (
    all_leaks,
    folder_name,
    left_out,
    prepared_data,
    sources,
)
from stages.report.evidence.examples import examples
from stages.report.evidence.provenance import machine, plan_hash, versions
from stages.report.evidence.runs import Evidence
from stages.report.figures.evolution import evolution_figure
from stages.report.figures.examples import thumbnails
from stages.report.figures.genotypes.drawing import draw
from stages.report.figures.margins import margins_figure
from stages.report.figures.prediction import prediction_panels
from stages.report.figures.pretraining import pretraining_figure
from stages.report.figures.searches import searches_figure
from stages.report.numbers.costs import exceptions, row_costs, stage_costs
from stages.report.numbers.evolution import evolutions
from stages.report.numbers.margins import margins
from stages.report.numbers.own import OwnTable
from stages.report.numbers.own_boxes import BoxesTable
from stages.report.numbers.own_training import trainings
from stages.report.numbers.prediction import LEAST, RESAMPLES, questions
from stages.report.numbers.searches import searches
from stages.report.own_boxes import boxes_section
from stages.report.text import findings, own, own_images
from stages.report.text.architectures import facts
from stages.report.text.costs import cautions
from stages.report.text.data import leak
from stages.report.text.own_verdict import Verdict
from stages.report.text.prediction import answer
from stages.report.text.render import render


@dataclass(frozen=True)
class Section:
    """A template of `text/page/` and its entry in the contents."""

    id: str
    title: str
    template: str


def own_page(
    table: OwnTable,
    found: Verdict,
    evidence: Evidence,
    report: Report,
    commit: str,
    plan: Path,
    boxes: BoxesTable | None = None,
) -> str:
    """The page as HTML. Raises InputError if a result that it shows is unreadable."""
    stages = stage_costs(evidence)
    # Fewer architectures give a tau without an interval, which says nothing.
    asked = [question for question in questions(evidence) if question.architectures >= LEAST]
    runs = [seed.run for row in table.rows for seed in row.pretrained]
    content: dict[str, Any] = {
        "verdict": found,
        "images": _images(evidence, [boxes.data] if boxes else []),
        "own": table,
        "boxes": boxes_section(boxes, evidence) if boxes else None,
        "pretraining": pretraining_figure(trainings(table, evidence)),
        "architectures": [
            (one, facts(evidence, one), draw(one.genotype, f"Architecture {one.title}"))
            for one in architectures(evidence, runs)
        ],
        "searches": [searches_figure(one) for one in searches(evidence)],
        "evolutions": [(one, evolution_figure(one)) for one in evolutions(evidence)],
        "answers": [(answer(question), prediction_panels(question)) for question in asked],
        "margins": [(one, margins_figure(one)) for one in margins(evidence)],
        "stages": [stage for stage in stages if stage.measured],
        "commit": commit,
    }
    sections = [section for key, section in SECTIONS.items() if content[key]]
    names = dict.fromkeys(folder_name(evidence, row.data) for row in table.rows)
    return render(
        "own_page.html.j2",
        content
        | {
            "sections": sections,
            "title": ", ".join(names),
            "lead": own.lead(table),
            "worth": own.SCALES.get(report.scale, ""),
            "scale": report.scale,
            "leaks": [one.text for one in findings.of_leaks(all_leaks(evidence))],
            "cautions": cautions(exceptions(evidence)),
            "devices": "; ".join(findings.devices(stages)),
            "own_title": "Networks",
            "own_about": own.about(table),
            "own_cells": own.cells(table),
            "own_best": own.best(table),
            "least": LEAST,
            "resamples": RESAMPLES,
            "row_costs": row_costs(evidence, report),
            "plan_hash": plan_hash(plan),
            "sources": sources(evidence),
            "versions": versions(),
            "machine": machine(),
            "expected": None,
        },
    )


# By what has to be there.
SECTIONS = {
    "verdict": Section("verdict", "Verdict", "own_verdict.html.j2"),
    "images": Section("images", "Images", "images.html.j2"),
    "own": Section("own", "Networks", "own.html.j2"),
    "boxes": Section("boxes", "Boxes", "own_boxes.html.j2"),
    "pretraining": Section("pretraining", "Pretraining", "pretraining.html.j2"),
    "architectures": Section("architectures", "Architectures", "architectures.html.j2"),
    "searches": Section("searches", "Searches", "searches.html.j2"),
    "evolutions": Section("evolution", "Evolution", "evolution.html.j2"),
    "answers": Section("prediction", "Does the score predict?", "prediction.html.j2"),
    "margins": Section("margins", "Margins", "margins.html.j2"),
    "stages": Section("cost", "Cost", "costs.html.j2"),
    "commit": Section("provenance", "Provenance", "provenance.html.j2"),
}


def _images(evidence: Evidence, without: Sequence[str]) -> list[dict[str, Any]]:
    """A mapping for every data set that has been prepared, `without` those that have boxes."""
    described = {source.name: source for source in sources(evidence)}
    return [
        {
            "name": (folder := folder_name(evidence, one.name)),
            "about": own_images.summary(one, described[one.name]),
            "side": described[one.name].side,
            "prepared": one,
            "leak": leak(one.leak),
            "pictures": thumbnails(examples(evidence, one.name)),
            "left_out": own_images.left_out(one, left_out(evidence, one.name), folder),
        }
        for one in prepared_data(evidence)
        if one.name in described and one.name not in without
    ]
