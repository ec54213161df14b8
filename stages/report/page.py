"""results/report.html: everything on one page that needs nothing else, not even a network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from nassl.files import InputError
from stages.report.answers import answers
from stages.report.architectures import architectures
from stages.report.costs import cautions, duration, row_costs, stage_costs
from stages.report.curves import search_curves
from stages.report.detections import detections
from stages.report.evidence import Evidence
from stages.report.expected import Comparison
from stages.report.findings import findings
from stages.report.genealogy import genealogies
from stages.report.headline import headline
from stages.report.margins import margin_figures
from stages.report.own import PERCENT, tested_images
from stages.report.prediction import LEAST, RESAMPLES
from stages.report.provenance import data_sets, machine, plan_hash, versions
from stages.report.settings import Report
from stages.report.shown_data import leak_findings, shown_data
from stages.report.table_view import table_view
from stages.report.wording import SCALES, TITLES, TRAINING


def page(
    tables: list[dict[str, Any]],
    evidence: Evidence,
    report: Report,
    commit: str,
    plan: Path,
    template: Path,
    own: dict[str, Any] | None = None,
    expected: Comparison | None = None,
) -> str:
    """The page as HTML; also of a plan without tables. `own`: what came out for your own images
    (rows, best), shown in a table without a reported column. Raises InputError if the template is
    missing or a result that it shows is unreadable."""
    if not template.exists():
        raise InputError(f"{template} is missing; it comes with the source: `git checkout`")
    views = [table_view(table) for table in tables]
    asked, margins = answers(evidence), margin_figures(evidence)
    evolutions, stages = genealogies(evidence), stage_costs(evidence)
    scale = report.scale
    planned = [row for rows in report.tables.values() for row in rows]
    runs = [run for row in planned for run in [*row.runs, *row.minus]]
    runs += [seed["run"] for row in (own or {"rows": []})["rows"] for seed in row["pretrained"]]
    content = {
        "scale": scale,
        "meaning": SCALES.get(scale, "a custom scale: see params.yaml for its settings"),
        "devices": "; ".join(sorted({stage["devices"] for stage in stages if stage["devices"]})),
        "cautions": cautions(evidence),
        "expected": expected,
        "commit": commit,
        "headline": headline(tables),
        "findings": leak_findings(evidence)
        + findings(views, evidence, asked, margins, evolutions, stages),
        "titles": TITLES,
        "training": TRAINING,
        "papers": {
            paper: [view for view in views if view["paper"] == paper]
            for paper in dict.fromkeys(view["paper"] for view in views)
        },
        "own": own,
        "own_measured": PERCENT,
        "own_tested": tested_images(own) if own else "",
        "architectures": architectures(evidence, runs),
        "curves": search_curves(evidence),
        "evolutions": evolutions,
        "questions": asked,
        "least": LEAST,
        "resamples": RESAMPLES,
        "margins": margins,
        "detections": detections(evidence),
        "stages": stages,
        "row_costs": row_costs(evidence, report),
        "plan_hash": plan_hash(plan),
        "data_sets": data_sets(evidence),
        "shown_data": shown_data(evidence),
        "versions": versions(),
        "machine": machine(),
    }
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["duration"] = duration
    environment.filters["svg"] = Markup  # drawn here, with every text in it escaped
    return environment.from_string(template.read_text(encoding="utf-8")).render(content)
