"""Your own images: what is collected, which network is the best, and the files written of them."""

from __future__ import annotations

import csv
import json

import pytest

from nassl.files import InputError
from stages.report.evidence.asked import PlannedOwnRow
from stages.report.evidence.runs import Evidence
from stages.report.numbers.own import NETWORK, collect_own
from stages.report.numbers.rows import Spread
from stages.report.text.own_verdict import verdict
from stages.report.write import write_own

LOSSES = {"a-s0": 2.0, "a-s1": 1.0, "b-s0": 0.5}  # of pretraining
SCORES = {"a": 3.0, "b": 4.0}  # of the selections


@pytest.fixture
def evidence(tmp_path):
    results = tmp_path / "results"

    def write(run, metrics):
        folder = results / run
        folder.mkdir(parents=True)
        (folder / "metrics.json").write_text(json.dumps(metrics))
        (folder / "cost.json").write_text('{"seconds": 10, "gpu_days": 0, "device": "cpu"}')

    for name, loss in LOSSES.items():
        size = {"n_trained_on": 90, "params": 2_000_000, "flops": 1e6}
        write(f"pretrain/{name}", size | {"final_loss": loss})
        for file in NETWORK:
            (results / f"pretrain/{name}" / file).write_text(name)
        knn = {"knn_accuracy": 0.25} if name.startswith("a") else {}
        write(f"probe/{name}", {"n": 10, "linear_accuracy": loss / 4, **knn})
    for name, score in SCORES.items():
        write(f"select/{name}", {"score": score})
    return Evidence(results)


def planned(name, *seeds):
    runs = [f"{name}-s{seed}" for seed in seeds]
    probes, pretrained = ([f"{stage}/{run}" for run in runs] for stage in ("probe", "pretrain"))
    return PlannedOwnRow(
        row=name, data="mine", runs=probes, selection=f"select/{name}", pretrained=pretrained
    )


ROWS = [planned("b", 0), planned("a", 0, 1)]


def test_what_is_collected(evidence):
    one, two = collect_own(ROWS, "toy", evidence, "c0ffee").rows
    assert (one.n, one.selected_contrastive_loss, one.final_loss) == (1, 4.0, 0.5)
    assert one.accuracies == {"linear_accuracy": Spread(12.5, None)}
    assert (two.n, two.selected_contrastive_loss, two.final_loss) == (2, 3.0, 1.5)
    assert two.accuracies["linear_accuracy"] == Spread(37.5, pytest.approx(312.5**0.5))
    assert (two.n_trained_on, two.n_tested_on, two.params_million, two.seconds) == (90, 10, 2.0, 40)


def test_the_best_has_the_best_selection_and_of_its_seeds_the_lowest_loss(evidence):
    best = collect_own(ROWS, "toy", evidence, "c0ffee").best
    assert (best.row, best.run, best.final_loss) == ("a", "pretrain/a-s1", 1.0)


def test_an_accuracy_that_only_some_rows_have_is_a_column(evidence, tmp_path):
    table = collect_own(ROWS, "toy", evidence, "c0ffee")
    out = tmp_path / "tables"
    out.mkdir()
    write_own(table, evidence.results, out, verdict(table))
    with (out / "own.csv").open() as file:
        assert [line["knn_accuracy"] for line in csv.DictReader(file)] == ["", "25.0"]
    rows = json.loads((out / "own.json").read_text())["rows"]
    assert ["knn_accuracy" in row for row in rows] == [False, True]
    for file in NETWORK:
        assert (out / "best" / file).read_text() == "a-s1"
    assert json.loads((out / "best/network.json").read_text())["run"] == "pretrain/a-s1"
    write_own(None, evidence.results, out)
    assert list(out.iterdir()) == []


def test_a_best_network_without_one_of_its_files_is_named(evidence):
    (evidence.results / "pretrain/a-s1/model.json").unlink()
    with pytest.raises(InputError, match=r"a-s1/model.json is missing; .* repro pretrain@a-s1`"):
        collect_own(ROWS, "toy", evidence, "c0ffee")


@pytest.mark.parametrize(("run", "key"), [("pretrain/b-s0", "final_loss"), ("select/a", "score")])
def test_a_run_without_a_value_is_named(evidence, run, key):
    (evidence.results / run / "metrics.json").write_text('{"seed": 0}')
    with pytest.raises(InputError, match=f"{run}/metrics.json has no '{key}'; it has: seed"):
        collect_own(ROWS, "toy", evidence, "c0ffee")
