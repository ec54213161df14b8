"""A results folder made by hand: its numbers are chosen so that means and spreads are exact."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stages.report.__main__ import main

ROOT = Path(__file__).resolve().parents[2]

PLAN = """
report:
  scale: toy
  tables:
    ssnas.table1:
    - {row: Random sampling, runs: [retrain/random-s0, retrain/random-s1],
       values: {test_error: test_error}, searches: [search/random-s0, search/random-s1],
       data: digits for CIFAR-10}
    - {row: SSNAS (first order), runs: [retrain/ssnas-s0, retrain/ssnas-s1, retrain/ssnas-s2],
       values: {test_error: test_error}, searches: [search/ssnas-s0, search/ssnas-s1]}
    ssnas.table4:
    - {row: ResNet-18, batch_size: 32, runs: [probe/resnet18-s0],
       values: {linear_accuracy: linear_accuracy, semi_supervised_accuracy: finetune_accuracy},
       trained: [pretrain/resnet18-s0]}
    - {row: SSNAS (first order), batch_size: 32, runs: [probe/ssnas-s0, probe/ssnas-s1],
       values: {linear_accuracy: linear_accuracy, semi_supervised_accuracy: finetune_accuracy},
       searches: [search/ssnas-s0], trained: [pretrain/ssnas-s0, pretrain/ssnas-s1]}
    ssnas.table5:
    - {row: SSNAS (first order), init: random weights, runs: [probe/scratch-s0],
       values: {finetune_accuracy: finetune_accuracy}, data: a pool of digits for STL-10}
    ssnas.section4_4:
    - {row: split minus same set, runs: [retrain/ssnas-s0, retrain/ssnas-s1],
       minus: [retrain/same-s0, retrain/same-s1],
       values: {accuracy_difference: test_accuracy}}
"""


def probe(linear: float, untrained: float, finetune: float, **size: int) -> dict[str, float]:
    return {
        "linear_accuracy": linear,
        "linear_accuracy_untrained": untrained,
        "finetune_accuracy": finetune,
        "knn_accuracy": 0.5,
        "knn_accuracy_untrained": 0.25,
        **size,
    }


RUNS = {
    "retrain/random-s0": {"test_error": 0.25, "params": 3_000_000, "flops": 5e8},
    "retrain/random-s1": {"test_error": 0.75, "params": 2_000_000, "flops": 3e8},
    "retrain/ssnas-s0": {"test_error": 0.5, "test_accuracy": 0.5, "params": 10, "flops": 20},
    "retrain/ssnas-s1": {"test_error": 0.625, "test_accuracy": 0.375, "params": 10, "flops": 20},
    "retrain/ssnas-s2": {"test_error": 0.75, "test_accuracy": 0.25, "params": 10, "flops": 20},
    "retrain/same-s0": {"test_accuracy": 0.375},
    "retrain/same-s1": {"test_accuracy": 0.5},
    "search/random-s0": {},
    "search/random-s1": {},
    "search/ssnas-s0": {},
    "search/ssnas-s1": {},
    "pretrain/resnet18-s0": {"params": 11_000_000, "flops": 7e8},
    "pretrain/ssnas-s0": {"params": 1_000_000, "flops": 1e8},
    "pretrain/ssnas-s1": {"params": 1_000_000, "flops": 1e8},
    "probe/resnet18-s0": probe(0.75, 0.5, 0.875),
    "probe/ssnas-s0": probe(0.5, 0.25, 0.75, params=1_250_000, flops=2e8),
    "probe/ssnas-s1": probe(0.25, 0.5, 0.5, params=1_250_000, flops=2e8),
    "probe/scratch-s0": probe(0.5, 0.25, 0.125),
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with the plan and the results of all its runs; every run took 100 s."""
    (tmp_path / "params.yaml").write_text(PLAN)
    for run, metrics in RUNS.items():
        folder = tmp_path / "results" / run
        folder.mkdir(parents=True)
        (folder / "metrics.json").write_text(json.dumps(metrics))
        days = 0.25 if run.startswith("search/ssnas") else 0.0
        cost = {"seconds": 100.0, "gpu_days": days, "device": "cpu"}
        (folder / "cost.json").write_text(json.dumps(cost))
    return tmp_path


@pytest.fixture
def report(monkeypatch, capsys):
    """Calls `python -m stages.report` of a project: (exit code, standard output and error)."""

    def call(project: Path) -> tuple[int, str]:
        monkeypatch.chdir(project)
        reported = str(ROOT / "workflow/report/paper_tables.yaml")
        code = 0
        try:
            main(["--results", "results", "--reported", reported, "--out", "results/tables"])
        except SystemExit as end:
            code = end.code
        written = capsys.readouterr()
        return code, written.out + written.err

    return call
