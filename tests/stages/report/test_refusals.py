"""What the report refuses, with the text of the error; nothing is written then."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]

PROBE = "runs: [probe/ssnas-s0], values: {linear_accuracy: linear_accuracy}"
RETRAIN = "runs: [retrain/random-s0], values: {test_error: test_error}"


def refused(project, report) -> str:
    code, text = report(project)
    assert code == 2, text
    assert not (project / "results/tables").exists()
    return text


@pytest.mark.parametrize(
    ("table", "row", "texts"),
    [
        ("ssnas.table9", f"row: X, {RETRAIN}", ["unknown table 'ssnas.table9'", "ssnas.table1"]),
        (
            "ssnas.table1",
            f"row: SSNAS, {RETRAIN}",
            ["report.tables.ssnas.table1, row 'SSNAS' must fit exactly one", "it fits: none"],
        ),
        (
            "faunae.table2",
            f"row: ResNet-50, {PROBE}",
            ["faunae.table2, row 'ResNet-50' must fit", "fits: ResNet-50, InstDisc; ResNet-50, L"],
        ),
        (
            "ssnas.table4",
            f"row: ResNet-18, batch_size: 128, {PROBE}",
            ["ssnas.table4, row 'ResNet-18, batch size 128' must fit", "it fits: none"],
        ),
        (
            "faunae.table1",
            f"row: AMDIM small, {PROBE}",
            ["faunae.table1, row 'AMDIM small' is quoted by the paper"],
        ),
        (
            "ssnas.table1",
            "row: Random sampling, runs: [retrain/random-s0], values: {error: test_error}",
            ["row 'Random sampling' has values for error; the table's metrics are: test_error"],
        ),
        (
            "ssnas.table1",
            "row: Random sampling, runs: [], values: {test_error: test_error}",
            ["row 'Random sampling' has no runs"],
        ),
        (
            "ssnas.section4_4",
            "row: split minus same set, runs: [retrain/ssnas-s0, retrain/ssnas-s1], "
            "minus: [retrain/same-s0], values: {accuracy_difference: test_accuracy}",
            ["row 'split minus same set': 2 runs minus 1"],
        ),
        (
            "ssnas.table1",
            f"row: Random sampling, seeds: 2, {RETRAIN}",
            ["report.tables.ssnas.table1[0]", "unknown key 'seeds'"],
        ),
    ],
)
def test_a_plan_that_does_not_fit_the_tables(project, report, table, row, texts):
    plan = f"report:\n  scale: toy\n  tables:\n    {table}:\n    - {{{row}}}\n"
    (project / "params.yaml").write_text(plan)
    error = refused(project, report)
    for text in texts:
        assert text in error


def test_a_row_made_twice(project, report):
    line = f"    - {{row: Random sampling, {RETRAIN}}}\n"
    plan = f"report:\n  scale: toy\n  tables:\n    ssnas.table1:\n{line}{line}"
    (project / "params.yaml").write_text(plan)
    assert "row 'Random sampling' occurs twice" in refused(project, report)


def test_a_plan_without_report(project, report):
    (project / "params.yaml").write_text("retrain: {}\n")
    assert "params.yaml has no section `report`" in refused(project, report)


@pytest.mark.parametrize("run", ["retrain/random-s1", "pretrain/ssnas-s1", "search/ssnas-s1"])
def test_a_missing_run_is_named_with_its_command(project, report, run):
    shutil.rmtree(project / "results" / run)
    error = refused(project, report)
    assert f"results/{run} is missing" in error
    assert f"`dvc repro {run.replace('/', '@')}`" in error


@pytest.mark.parametrize(
    ("metrics", "text"),
    [
        ({"params": 1}, "retrain/random-s0/metrics.json has no 'test_error'; it has: params"),
        ({"test_error": 25.0}, "test_error is 25.0; a fraction from 0 to 1 is expected"),
        ({"test_error": float("nan")}, "test_error is nan; a fraction from 0 to 1 is expected"),
        ({"test_error": None}, "test_error is None; a fraction from 0 to 1 is expected"),
    ],
)
def test_an_unusable_value_is_named(project, report, metrics, text):
    (project / "results/retrain/random-s0/metrics.json").write_text(json.dumps(metrics))
    assert text in refused(project, report)


def test_an_incomplete_cost_is_named(project, report):
    (project / "results/search/ssnas-s0/cost.json").write_text('{"seconds": 1, "device": "cpu"}')
    assert "search/ssnas-s0/cost.json has no 'gpu_days'" in refused(project, report)


def test_without_arguments_the_help_is_printed():
    command = [sys.executable, "-m", "stages.report"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "index.md" in done.stdout


def test_reporting_does_not_import_torch():
    code = "import sys, stages.report.__main__; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
