"""results/report.html: everything on one page that needs nothing else, not even a network.

Composes figures and text into the templates of `text/page/`, one per section.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from stages.report.evidence.architectures import architectures
from stages.report.evidence.asked import Report
from stages.report.evidence.data import all_leaks, prepared_data, sources
from stages.report.evidence.provenance import machine, plan_hash, versions
from stages.report.evidence.runs import Evidence
from stages.report.expected import Comparison
from stages.report.figures.accuracies import accuracies_figure
from stages.report.figures.detections import detections
from stages.report.figures.evolution import evolution_figure
from stages.report.figures.genotypes.drawing import draw
from stages.report.figures.margins import margins_figure
from stages.report.figures.prediction import prediction_panels
from stages.report.figures.searches import searches_figure
from stages.report.figures.study import study_figures
from stages.report.figures.tables import DRAWN, seeds_figure
from stages.report.numbers.accuracies import accuracies
from stages.report.numbers.costs import exceptions, row_costs, stage_costs
from stages.report.numbers.decisions import decisions
from stages.report.numbers.evolution import evolutions
from stages.report.numbers.headline import counts
from stages.report.numbers.margins import differences, margins
from stages.report.numbers.own import OwnTable
from stages.report.numbers.own_boxes import BoxesTable
from stages.report.numbers.prediction import LEAST, RESAMPLES, questions
from stages.report.numbers.rows import Table
from stages.report.numbers.searches import collapsed, searches
from stages.report.numbers.study.answers import Answer, of
from stages.report.own_boxes import boxes_section
from stages.report.text import findings, wording
from stages.report.text.accuracies import ends
from stages.report.text.architectures import facts
from stages.report.text.claims import claims
from stages.report.text.costs import cautions
from stages.report.text.data import leak, remarks
from stages.report.text.decisions import reason
from stages.report.text.own import about, best, cells
from stages.report.text.own_verdict import Verdict
from stages.report.text.prediction import answer
from stages.report.text.render import render
from stages.report.text.study import HEADERS, sections
from stages.report.text.summary import summary
from stages.report.text.tables import table_view


def page(
    tables: list[Table],
    evidence: Evidence,
    report: Report,
    commit: str,
    plan: Path,
    own: OwnTable | None = None,
    found: Verdict | None = None,
    expected: Comparison | None = None,
    boxes: BoxesTable | None = None,
    study: Sequence[Answer] = (),
) -> str:
    """The page as HTML. `own`: what came out for your own images, shown in a table without a
    reported column, with what was `found` of it; `boxes` of your own; `study`: what its questions
    are answered with. Raises InputError if a result that it shows is unreadable."""
    asked, stages = questions(evidence), stage_costs(evidence)
    answers = [answer(question) for question in asked]
    evolved, scored = evolutions(evidence), margins(evidence)
    content = {
        "scale": report.scale,
        "summary": summary(tables, report.scale),
        "commit": commit,
        "plan_hash": plan_hash(plan),
        "cautions": cautions(exceptions(evidence)),
        "expected": expected,
        "findings": [
            *findings.of_leaks(all_leaks(evidence)),
            *findings.of_study(study),
            *findings.of_tables(tables),
            *findings.of_prediction(
                said for question, said in zip(asked, answers, strict=True) if question.label_free
            ),
            *findings.of_chance(scored),
            *findings.of_differences(differences(evidence)),
            *findings.of_collapse(*collapsed(evidence)),
            *findings.of_margins(scored),
            *findings.of_evolution(evolved),
            *findings.of_costs(stages),
        ],
        **_tables(tables),
        "data": [(one, leak(one.leak), remarks(one)) for one in prepared_data(evidence)],
        "study": [(one, study_figures(of(study, one.letter))) for one in sections(study)],
        "study_headers": HEADERS,
        "own": own,
        "own_title": "Own images",
        "verdict": found,
        "own_about": about(own) if own else "",
        "own_cells": cells(own) if own else [],
        "own_best": best(own) if own else "",
        "boxes": boxes_section(boxes, evidence) if boxes else None,
        "architectures": [
            (one, facts(evidence, one), draw(one.genotype, f"Architecture {one.title}"))
            for one in architectures(evidence, _shown(report, own))
        ],
        "searches": [searches_figure(one) for one in searches(evidence)],
        "accuracies": [
            (accuracies_figure(one, ends(one)), ends(one)) for one in accuracies(evidence)
        ],
        "claims": claims(tables, evidence),
        "decisions": [(one, reason(one)) for one in decisions(report, evidence)],
        "evolutions": [(one, evolution_figure(one)) for one in evolved],
        "answers": [
            (said, prediction_panels(question))
            for question, said in zip(asked, answers, strict=True)
        ],
        "least": LEAST,
        "resamples": RESAMPLES,
        "margins": [(one, margins_figure(one)) for one in scored],
        "detections": detections(evidence),
        "stages": stages,
        "devices": "; ".join(findings.devices(stages)),
        "row_costs": row_costs(evidence, report),
        "sources": sources(evidence),
        "versions": versions(),
        "machine": machine(),
    }
    return render("page.html.j2", content)


def _tables(tables: list[Table]) -> dict[str, Any]:
    views = [table_view(table) for table in tables]
    return {
        "counts": counts(tables),
        "titles": wording.TITLES,
        "columns": wording.COLUMNS,
        "papers": {
            paper: [view for view in views if view.table.paper.paper == paper]
            for paper in dict.fromkeys(table.paper.paper for table in tables)
        },
        "seeds": {
            table.name: [seeds_figure(table, metric) for metric in table.metrics[:DRAWN]]
            for table in tables
        },
        "drawn": DRAWN,
    }


def _shown(report: Report, own: OwnTable | None) -> list[str]:
    """The runs `<stage>/<run>` whose architectures are drawn."""
    planned = [row for rows in report.tables.values() for row in rows]
    runs = [run for row in planned for run in [*row.runs, *row.minus]]
    return runs + [seed.run for row in (own.rows if own else ()) for seed in row.pretrained]
