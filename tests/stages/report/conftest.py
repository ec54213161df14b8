"""A results folder made by hand: its numbers are chosen so that means and spreads are exact."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from nassl.genotypes import write_genotype
from nassl.genotypes.cell import random_genotype
from stages.report.__main__ import main
from stages.report.__main__ import report as write_report
from stages.report.evidence.asked import read_report
from stages.report.evidence.runs import Evidence, read_evidence
from stages.report.numbers.own import OwnTable, collect_own
from tests.stages.report.own_project import write_own_results

ROOT = Path(__file__).resolve().parents[3]
REPORTED = ROOT / "workflow" / "report" / "paper_tables.yaml"

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
def trace(monkeypatch, capsys):
    """(exit code, output) of the command in a project."""

    def call(project, name: str) -> tuple[int, str]:
        monkeypatch.chdir(project)
        code = 0
        try:
            main(["--reported", str(REPORTED), "--trace", name])
        except SystemExit as end:
            code = end.code
        written = capsys.readouterr()
        return code, written.out + written.err

    return call


@pytest.fixture
def report(monkeypatch, capsys):
    """Calls `python -m stages.report` of a project: (exit code, standard output and error)."""

    def call(project: Path) -> tuple[int, str]:
        monkeypatch.chdir(project)
        code = 0
        try:
            main(
                [
                    "--results",
                    "results",
                    "--reported",
                    str(REPORTED),
                    "--out",
                    "results/tables",
                    "--page",
                    "results/report.html",
                ]
            )
        except SystemExit as end:
            code = end.code
        written = capsys.readouterr()
        return code, written.out + written.err

    return call


@pytest.fixture
def made(project, report) -> Path:
    code, text = report(project)
    assert code == 0, text
    assert "6 of 20 rows in 6 tables reproduced" in text
    return project / "results/tables"


def rows_of(made: Path, table: str) -> dict[tuple, dict]:
    """The rows of a written table by name, batch size and init."""
    content = json.loads((made / f"{table}.json").read_text())
    key = ("row", "batch_size", "init")
    return {tuple(row[k] for k in key if k in row): row for row in content["rows"]}


# ---------------------------------------------------------------- all that the page can show ----

FULL_PLAN = """
objective: {simclr: {kind: simclr}, moco: {kind: moco}, supervised: {kind: supervised}}
prepare: {digits: {data: digits}}
search:
  darts-digits-s0: {data: digits, space: cells, objective: supervised, seed: 0}
  ssnas-digits-s0: {data: digits, space: cells, objective: simclr, seed: 0}
  ssnas-digits-s1: {data: digits, space: cells, objective: simclr, seed: 1}
  faunae-digits-s0: {data: digits, space: blocks, objective: moco, seed: 0}
score:
  ssnas-digits-s0: {select: ssnas-digits, search: ssnas-digits-s0, data: digits, network: cells,
    recipe: score, seed: 0}
  ssnas-digits-s1: {select: ssnas-digits, search: ssnas-digits-s1, data: digits, network: cells,
    recipe: score, seed: 1}
select:
  ssnas-digits: {candidates: [ssnas-digits-s0, ssnas-digits-s1], criterion: contrastive_loss}
retrain:
  ssnas-digits-s0: {data: digits, architecture: select/ssnas-digits, network: cells, recipe: r,
    seed: 0}
  ssnas-digits-s1: {data: digits, architecture: select/ssnas-digits, network: cells, recipe: r,
    seed: 1}
  ssnas-digits-s2: {data: digits, architecture: select/ssnas-digits, network: cells, recipe: r,
    seed: 2}
  darts-digits-s0: {data: digits, architecture: search/darts-digits-s0, network: cells, recipe: r,
    seed: 0}
transfer: {faunae-voc-s0: {data: voc, weights: retrain/ssnas-digits-s0, seed: 0}}
report:
  scale: toy
  tables:
    ssnas.table1:
    - {row: DARTS (first order), runs: [retrain/darts-digits-s0], values: {test_error: test_error},
       searches: [search/darts-digits-s0], data: digits for cifar10}
    - {row: SSNAS (first order), data: digits for cifar10, values: {test_error: test_error},
       runs: [retrain/ssnas-digits-s0, retrain/ssnas-digits-s1, retrain/ssnas-digits-s2],
       searches: [search/ssnas-digits-s0, search/ssnas-digits-s1]}
    faunae.table3:
    - {row: FaUNAE, method: MoCo v2, runs: [transfer/faunae-voc-s0],
       values: {AP50: AP50, AP: AP, AP75: AP75}}
"""
CURVES = {"validation_loss": (2.5, 2.25, 2.0), "entropy_normal": (2.0, 1.5, 1.0)}
MARGIN = {f"margin_{name}": value for name, value in (
    ("mean", 0.1), ("q05", -0.25), ("q25", 0.0), ("q50", 0.125), ("q75", 0.25), ("q95", 0.5),
)}  # fmt: skip
FULL_RUNS = {
    "search/darts-digits-s0": {"strategy": "darts", "collapsed": True},
    "search/ssnas-digits-s0": {"strategy": "darts", "collapsed": False},
    "search/ssnas-digits-s1": {"strategy": "darts", "collapsed": False},
    "search/faunae-digits-s0": {"strategy": "evolution", "mutations": 2, "accepted_mutations": 1},
    "score/ssnas-digits/ssnas-digits-s0": {"contrastive_loss": 3.0, "batch_size": 64, **MARGIN},
    "score/ssnas-digits/ssnas-digits-s1": {"contrastive_loss": 4.84, "batch_size": 64, **MARGIN},
    "select/ssnas-digits": {
        "winner": "ssnas-digits-s0", "criterion": "contrastive_loss", "score": 3.0,
        "spread": {"mean": 3.92, "std": 1.3, "n": 2},
    },
    "retrain/ssnas-digits-s0": {"test_error": 0.1, "test_accuracy": 0.9, "params": 31_000},
    "retrain/ssnas-digits-s1": {"test_error": 0.2, "test_accuracy": 0.8, "params": 31_000},
    "retrain/ssnas-digits-s2": {"test_error": 0.3, "test_accuracy": 0.7, "params": 31_000},
    "retrain/darts-digits-s0": {"test_error": 0.15, "test_accuracy": 0.85, "params": 3_350_000},
    "transfer/faunae-voc-s0": {"AP50": 0.5, "AP": 0.25, "AP75": 0.125},
}  # fmt: skip
GENEALOGY = [
    {"epoch": 1, "choice": ["a", "b"], "mutations": [], "dropped": []},
    {"epoch": 2, "choice": ["c", "a"], "dropped": [{"place": 0, "operation": "b"}], "mutations": [
        {"place": 0, "from": "a", "to": "c", "accepted": True},
        {"place": 1, "from": "b", "to": "a", "accepted": False}]},
]  # fmt: skip


def write_full_results(project: Path) -> Path:
    """Results with everything that the page can show: 10 s of CPU and 0.001 GPU-days a run."""
    (project / "params.yaml").write_text(FULL_PLAN)
    results = project / "results"
    for run, metrics in FULL_RUNS.items():
        folder = results / run
        folder.mkdir(parents=True)
        (folder / "metrics.json").write_text(json.dumps(metrics))
        if not run.startswith("select/"):
            cost = {"seconds": 10.0, "gpu_days": 0.001, "device": "cpu"}
            (folder / "cost.json").write_text(json.dumps(cost))
    for seed, run in enumerate(("search/darts-digits-s0", "search/ssnas-digits-s1")):
        write_genotype(results / run / "genotype.json", random_genotype(seed))
    for run in ("search/ssnas-digits-s0", "select/ssnas-digits"):
        write_genotype(results / run / "genotype.json", random_genotype(7))
    for run in ("darts-digits-s0", "ssnas-digits-s0", "ssnas-digits-s1"):
        folder = results / "search" / run / "curves" / "plots" / "metrics"
        folder.mkdir(parents=True)
        for name, values in CURVES.items():
            lines = [f"{step}\t{value}\n" for step, value in enumerate(values)]
            (folder / f"{name}.tsv").write_text(f"step\t{name}\n" + "".join(lines))
    genealogy = json.dumps({"epochs": GENEALOGY})
    (results / "search/faunae-digits-s0/genealogy.json").write_text(genealogy)
    drawings = results / "transfer/faunae-voc-s0/drawings"
    drawings.mkdir()
    Image.new("RGB", (900, 450), "teal").save(drawings / "00.png")
    manifest = results / "prepare/digits/images/manifest.json"
    manifest.parent.mkdir(parents=True)
    manifest.write_text('{"kind": "digits", "image_size": 16, "counts": {"test": 600}}')
    return project


@pytest.fixture
def full_project(tmp_path: Path) -> Path:
    return write_full_results(tmp_path)


@pytest.fixture
def evidence(full_project: Path) -> Evidence:
    return read_evidence(full_project / "results", full_project / "params.yaml")


@pytest.fixture
def own_made(tmp_path: Path) -> tuple[OwnTable, Evidence]:
    """What is collected of a plan for own images."""
    plan = write_own_results(tmp_path) / "params.yaml"
    evidence = read_evidence(tmp_path / "results", plan)
    return collect_own(read_report(plan).own, "lab", evidence, "c0ffee"), evidence


@pytest.fixture(scope="session")
def own_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of own images, written once."""
    folder = write_own_results(tmp_path_factory.mktemp("own"))
    results, html = folder / "results", folder / "results" / "report.html"
    write_report(results, REPORTED, results / "tables", html, folder / "params.yaml")
    return html


@pytest.fixture(scope="session")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a full project, written once."""
    folder = write_full_results(tmp_path_factory.mktemp("full"))
    results, html = folder / "results", folder / "results" / "report.html"
    write_report(results, REPORTED, results / "tables", html, folder / "params.yaml")
    return html
