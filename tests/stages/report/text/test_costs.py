"""What the page's head says of where its runs were computed."""

from __future__ import annotations

import json

import pytest

from stages.report.__main__ import report as write_report
from stages.report.evidence.runs import read_evidence
from stages.report.numbers.costs import exceptions
from stages.report.text.costs import cautions
from tests.stages.report.conftest import REPORTED


@pytest.fixture
def found(full_project):
    """`found()` is what is said, after changes of the plan or of a cost.json."""
    plan = full_project / "params.yaml"
    return lambda: cautions(exceptions(read_evidence(full_project / "results", plan)))


def ask_for_gpus(project, **stages):
    text = ", ".join(f"{stage}: {{gpus: {count}}}" for stage, count in stages.items())
    with (project / "params.yaml").open("a") as plan:
        plan.write(f"resources: {{{text}}}\n")


def test_nothing_is_said_where_the_plan_asks_for_no_gpu(full_project, found):
    assert found() == []
    ask_for_gpus(full_project, search=0, retrain=0)
    assert found() == []


def test_runs_on_the_cpu_that_the_plan_gives_a_gpu(full_project, found):
    ask_for_gpus(full_project, search=0, retrain=1)
    cost = full_project / "results/retrain/ssnas-digits-s0/cost.json"
    cost.write_text(json.dumps({"seconds": 1, "gpu_days": 1, "device": "NVIDIA H100"}))
    (said,) = found()
    assert said == (
        "The plan gives GPUs to runs that were computed on the CPU: retrain/ssnas-digits-s1, "
        "retrain/ssnas-digits-s2, retrain/darts-digits-s0. Their costs are those of a CPU."
    )


def test_runs_that_moved_are_named_at_the_top_of_the_page(full_project, found):
    content = {"seconds": 1, "gpu_days": 1, "device": "cpu", "moves": ["torch 1, now <2>"]}
    for run in ("darts-digits-s0", "ssnas-digits-s0", "ssnas-digits-s1"):
        (full_project / "results/search" / run / "cost.json").write_text(json.dumps(content))
    (said,) = found()
    assert said == (
        "Runs that continued from a checkpoint of another machine: search/darts-digits-s0 "
        "(torch 1, now <2>), search/ssnas-digits-s0 (torch 1, now <2>), search/ssnas-digits-s1 "
        "(torch 1, now <2>). Bits may differ from those of an uninterrupted run."
    )
    results = full_project / "results"
    page = results / "report.html"
    write_report(results, REPORTED, results / "tables", page, full_project / "params.yaml")
    head = page.read_text().partition("<section")[0]
    assert '<p class="caution">Runs that continued from a checkpoint of another machine' in head
    assert "now &lt;2&gt;" in head
