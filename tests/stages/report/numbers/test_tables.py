"""The numbers of the tables, from plan and results to JSON."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from stages.plan.__main__ import plan as composed
from stages.report.evidence.asked import PlannedRow, typed_report
from stages.report.evidence.reported import read_reported
from stages.report.evidence.runs import Evidence
from stages.report.numbers.tables import collect
from tests.stages.report.conftest import REPORTED, rows_of


def every_run(row: PlannedRow) -> list[str]:
    return [*row.runs, *row.minus, *row.trained, *row.searches]


def hash_of(run: str) -> int:
    """Seconds of a run that no other set of a few runs adds up to."""
    return int(hashlib.sha256(run.encode()).hexdigest()[:10], 16)


def write_run(folder: Path, seconds: float) -> None:
    """Results with every key that a table can ask for."""
    keys = "test_error test_accuracy top5_error linear_accuracy finetune_accuracy AP50 AP AP75"
    masks = "AP_box AP50_box AP75_box AP_mask AP50_mask AP75_mask"
    folder.mkdir(parents=True)
    (folder / "metrics.json").write_text(json.dumps(dict.fromkeys(f"{keys} {masks}".split(), 0.5)))
    cost = {"seconds": seconds, "gpu_days": 0.0, "device": "cpu"}
    (folder / "cost.json").write_text(json.dumps(cost))


def test_values_of_a_table_with_one_metric(made):
    content = json.loads((made / "ssnas.table1.json").read_text())
    assert (content["paper"], content["table"], content["scale"]) == ("ssnas", "table1", "toy")
    assert content["metric"] == "test_error"
    assert content["title"] == "CIFAR-10 supervised retraining of the searched cell"
    row = rows_of(made, "ssnas.table1")[("Random sampling",)]
    # 25 % and 75 %: squared deviations 625 + 625, divided by n - 1 = 1.
    assert row["reproduced"] == {"mean": 50.0, "std": pytest.approx(1250**0.5), "n": 2}
    assert row["reported"] == 3.29
    assert row["difference"] == pytest.approx(46.71)
    assert row["interval95"] is None
    assert row["seeds"] == [
        {"run": "retrain/random-s0", "value": 25.0},
        {"run": "retrain/random-s1", "value": 75.0},
    ]
    assert row["params_million"] == 2.5
    assert row["flops"] == 4e8
    assert row["search_device_days"] == 0
    assert row["training_seconds"] == 200
    assert (row["status"], row["ours"], row["note"]) == ("run", False, "")
    assert (row["scale"], row["device"], row["n"]) == ("toy", "cpu", 2)
    assert row["data"] == "digits for CIFAR-10"


def test_interval_of_three_seeds_and_search_cost(made):
    row = rows_of(made, "ssnas.table1")[("SSNAS (first order)",)]
    assert row["reproduced"] == {"mean": 62.5, "std": 12.5, "n": 3}
    # t(0.975, 2 degrees of freedom) = 4.302653 (printed tables), times 12.5 / sqrt(3).
    half = 4.302653 * 12.5 / 3**0.5
    assert row["interval95"] == pytest.approx([62.5 - half, 62.5 + half], abs=1e-4)
    assert row["search_device_days"] == 0.5
    assert row["search_device"] == "cpu"
    assert row["ours"] is True


def test_values_of_a_table_with_two_metrics(made):
    row = rows_of(made, "ssnas.table4")[("SSNAS (first order)", 32)]
    assert row["reported"] == {"linear_accuracy": 88.78, "semi_supervised_accuracy": 89.45}
    deviation = pytest.approx(312.5**0.5)
    assert row["reproduced"] == {
        "mean": {"linear_accuracy": 37.5, "semi_supervised_accuracy": 62.5},
        "std": {"linear_accuracy": deviation, "semi_supervised_accuracy": deviation},
        "n": 2,
    }
    assert row["difference"] == {
        "linear_accuracy": pytest.approx(-51.28),
        "semi_supervised_accuracy": pytest.approx(-26.95),
    }
    assert row["seeds"][1] == {
        "run": "probe/ssnas-s1",
        "value": {"linear_accuracy": 25.0, "semi_supervised_accuracy": 50.0},
    }
    # The probe's own size, with its classifier, goes before that of the pretrained network.
    assert (row["params_million"], row["flops"]) == (1.25, 2e8)
    assert row["training_seconds"] == 400
    assert row["extra"] == {
        "linear_accuracy_untrained": 37.5,
        "knn_accuracy": 50.0,
        "knn_accuracy_untrained": 25.0,
    }
    assert row["ssl_gain"] == 1.0


def test_one_seed_has_no_deviation(made):
    row = rows_of(made, "ssnas.table4")[("ResNet-18", 32)]
    assert row["reproduced"] == {
        "mean": {"linear_accuracy": 75.0, "semi_supervised_accuracy": 87.5},
        "std": {"linear_accuracy": None, "semi_supervised_accuracy": None},
        "n": 1,
    }
    assert (row["params_million"], row["flops"]) == (11.0, 7e8)
    assert row["ssl_gain"] == 1.5


def test_difference_of_paired_runs(made):
    row = rows_of(made, "ssnas.section4_4")[("split minus same set",)]
    assert row["reproduced"] == {"mean": 0.0, "std": pytest.approx(312.5**0.5), "n": 2}
    assert row["seeds"] == [
        {"run": "retrain/ssnas-s0", "minus": "retrain/same-s0", "value": 12.5},
        {"run": "retrain/ssnas-s1", "minus": "retrain/same-s1", "value": -12.5},
    ]
    assert row["training_seconds"] == 400


ROWS = {  # a row of every kind: the trainings and evaluations that it takes
    ("ssnas.table1", "SSNAS (first order)"): {
        "retrain/ssnas-digits-s0", "retrain/ssnas-digits-s1",
    },
    ("ssnas.table4", "ResNet-18"): {
        f"{stage}/resnet18-digits-b32-s{seed}" for stage in ("pretrain", "probe") for seed in (0, 1)
    },
    ("faunae.table2", "FaUNAE (random)"): {
        "pretrain/faunae-from-random-shapes-s0", "probe/faunae-from-random-shapes-s0",
    },
    ("faunae.table3", "FaUNAE"): {
        "pretrain/faunae-from-proxyless-shapes-s0",
        "transfer/faunae-from-proxyless-scenes-voc-s0",
    },
}  # fmt: skip


def test_training_is_the_time_of_all_runs_that_made_a_row(tmp_path):
    plan = typed_report(composed(["scale=toy"])["report"])
    for run in {run for rows in plan.tables.values() for row in rows for run in every_run(row)}:
        write_run(tmp_path / run, seconds=hash_of(run))
    tables = collect(plan, read_reported(REPORTED), Evidence(tmp_path), "a commit")
    found = {
        (table.name, row.reported.row): row.here.training_seconds
        for table in tables
        for row in table.made[::-1]  # of rows with one name the first one stays
    }
    for row, runs in ROWS.items():
        assert found[row] == sum(map(hash_of, runs)), row


def test_weights_that_two_seeds_share_are_counted_once(project, report):
    plan = project / "params.yaml"
    shared = "trained: [pretrain/ssnas-s0, pretrain/ssnas-s1]"
    assert shared in plan.read_text()
    plan.write_text(
        plan.read_text().replace(shared, "trained: [pretrain/ssnas-s0, pretrain/ssnas-s0]")
    )
    assert report(project)[0] == 0
    row = rows_of(project / "results/tables", "ssnas.table4")[("SSNAS (first order)", 32)]
    assert row["training_seconds"] == 300


def test_a_row_without_pretraining_has_no_gain_and_its_own_data(made):
    row = rows_of(made, "ssnas.table5")[("SSNAS (first order)", "random weights")]
    assert row["reproduced"]["mean"] == 12.5
    assert row["ssl_gain"] is None
    assert row["data"] == "a pool of digits for STL-10"
