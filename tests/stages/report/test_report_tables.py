"""The numbers of the tables, from plan and results to JSON, CSV, headline and Markdown."""

from __future__ import annotations

import csv
import hashlib
import json
from pathlib import Path

import pytest
import yaml

from stages.plan.__main__ import plan as composed
from stages.report.settings import ReportRow, read_reported, typed_report
from stages.report.tables import collect
from tests.stages.report.conftest import REPORTED


@pytest.fixture
def made(project, report) -> Path:
    code, text = report(project)
    assert code == 0, text
    assert "6 of 20 rows in 6 tables reproduced" in text
    return project / "results/tables"


def every_run(row: ReportRow) -> list[str]:
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


def rows(made: Path, table: str) -> dict[tuple, dict]:
    content = json.loads((made / f"{table}.json").read_text())
    key = ("row", "batch_size", "init")
    return {tuple(row[k] for k in key if k in row): row for row in content["rows"]}


def test_values_of_a_table_with_one_metric(made):
    content = json.loads((made / "ssnas.table1.json").read_text())
    assert (content["paper"], content["table"], content["scale"]) == ("ssnas", "table1", "toy")
    assert content["metric"] == "test_error"
    assert content["title"] == "CIFAR-10 supervised retraining of the searched cell"
    row = rows(made, "ssnas.table1")[("Random sampling",)]
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
    row = rows(made, "ssnas.table1")[("SSNAS (first order)",)]
    assert row["reproduced"] == {"mean": 62.5, "std": 12.5, "n": 3}
    # t(0.975, 2 degrees of freedom) = 4.302653 (printed tables), times 12.5 / sqrt(3).
    half = 4.302653 * 12.5 / 3**0.5
    assert row["interval95"] == pytest.approx([62.5 - half, 62.5 + half], abs=1e-4)
    assert row["search_device_days"] == 0.5
    assert row["search_count"] == len(set(row_searches(made, "ssnas.table1", row["row"])))
    assert row["search_device"] == "cpu"
    assert row["ours"] is True
    assert row["number_from"] is None


def row_searches(made: Path, table: str, name: str) -> list[str]:
    plan = typed_report(yaml.safe_load((made.parents[1] / "params.yaml").read_text())["report"])
    return next(row for row in plan.tables[table] if row.row == name).searches


def test_a_number_that_the_paper_took_from_another_names_it(made):
    row = rows(made, "ssnas.table1")[("DARTS (first order)",)]
    assert row["number_from"] == "DARTS paper, mean 3.00 +- 0.14"
    lines = list(csv.DictReader((made / "ssnas.table1.csv").open()))
    named = {line["row"]: line["number_from"] for line in lines}
    assert named["DARTS (first order)"] == row["number_from"]
    assert named["SSNAS (first order)"] == ""
    assert "reported number: DARTS paper, mean 3.00" in (made / "ssnas.table1.md").read_text()
    page = (made.parent / "report.html").read_text()
    assert "from DARTS paper, mean 3.00 +- 0.14" in page


def test_other_papers_numbers_are_the_rows_that_the_methods_name():
    reported = read_reported(REPORTED)
    named = [
        (f"{paper}.{name}", row["row"], row.get("method"))
        for paper, tables in reported.items()
        for name, table in tables.items()
        for row in table["rows"]
        if "number_from" in row
    ]
    assert len(named) == 10
    assert ("faunae.table3", "ResNet-50", "MoCo v2") in named
    assert all(row["status"] == "run" for t in reported.values() for x in t.values()
               for row in x["rows"] if "number_from" in row)  # fmt: skip


def test_values_of_a_table_with_two_metrics(made):
    row = rows(made, "ssnas.table4")[("SSNAS (first order)", 32)]
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
    # The probe's own size goes before that of the pretrained network.
    assert (row["params_million"], row["flops"]) == (1.25, 2e8)
    assert row["training_seconds"] == 400
    assert row["extra"] == {
        "linear_accuracy_untrained": 37.5,
        "knn_accuracy": 50.0,
        "knn_accuracy_untrained": 25.0,
    }
    assert row["ssl_gain"] == 1.0


def test_one_seed_has_no_deviation(made):
    row = rows(made, "ssnas.table4")[("ResNet-18", 32)]
    assert row["reproduced"] == {
        "mean": {"linear_accuracy": 75.0, "semi_supervised_accuracy": 87.5},
        "std": {"linear_accuracy": None, "semi_supervised_accuracy": None},
        "n": 1,
    }
    assert (row["params_million"], row["flops"]) == (11.0, 7e8)
    assert row["ssl_gain"] == 1.5


def test_difference_of_paired_runs(made):
    row = rows(made, "ssnas.section4_4")[("split minus same set",)]
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
    tables = collect(plan, read_reported(REPORTED), tmp_path, "a commit")
    found = {
        (f"{table['paper']}.{table['table']}", row["row"]): row["training_seconds"]
        for table in tables
        for row in table["rows"][::-1]  # of rows with one name the first one stays
        if row["reproduced"]
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
    row = rows(project / "results/tables", "ssnas.table4")[("SSNAS (first order)", 32)]
    assert row["training_seconds"] == 300


def test_a_row_without_pretraining_has_no_gain_and_its_own_data(made):
    row = rows(made, "ssnas.table5")[("SSNAS (first order)", "random weights")]
    assert row["reproduced"]["mean"] == 12.5
    assert row["ssl_gain"] is None
    assert row["data"] == "a pool of digits for STL-10"


def test_every_row_of_every_table_appears(made):
    counts = {"table1": 4, "table2": 2, "table3": 3, "table4": 6, "table5": 4, "section4_4": 1}
    for table, count in counts.items():
        content = json.loads((made / f"ssnas.{table}.json").read_text())
        assert len(content["rows"]) == count
        for row in content["rows"]:
            assert (row["reproduced"] is None) == (row["note"] == "not in this plan")
    assert not list(made.glob("faunae.*"))


def test_csv_has_a_line_per_row_and_metric(made):
    with (made / "ssnas.table4.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == 12
    line = next(line for line in lines if line["row"] == "ResNet-18" and line["mean"])
    assert (line["batch_size"], line["metric"]) == ("32", "linear_accuracy")
    assert (float(line["reported"]), float(line["mean"]), line["std"]) == (87.63, 75.0, "")
    assert (line["n"], line["scale"], line["device"]) == ("1", "toy", "cpu")
    assert (line["linear_accuracy_untrained"], line["knn_accuracy"]) == ("50.0", "50.0")


def test_headline_is_small(made):
    assert json.loads((made / "metrics.json").read_text()) == {
        "ssnas": {
            "table1": {"Random-sampling": 50.0, "SSNAS-first-order": 62.5},
            "table4": {
                "ResNet-18-bs32": {"linear_accuracy": 75.0, "semi_supervised_accuracy": 87.5},
                "SSNAS-first-order-bs32": {
                    "linear_accuracy": 37.5,
                    "semi_supervised_accuracy": 62.5,
                },
            },
            "table5": {"SSNAS-first-order-random-weights": 12.5},
            "section4_4": {"split-minus-same-set": 0.0},
        },
        "rows_reproduced": 6,
        "rows_runnable": 20,
        "rows_quoted": 0,
        "ssl_gain": {"mean_ratio": 1.25, "share_above": 0.5, "rows": 2},
    }


def test_page_says_scale_device_and_wrong_order(made):
    page = (made / "index.md").read_text()
    assert "**Scale: toy** - stand-in data" in page
    assert "**Device: cpu.** Data: a pool of digits for STL-10; digits for CIFAR-10." in page
    assert "6 of 20 runnable rows reproduced" in page
    assert "and of the training of the weights that they evaluate or start from; every run" in page
    assert "average 1.25 times" in page
    assert "above in 1 of 2 rows" in page
    # Table 1, both metrics of table 4 and the sign of section 4.4 all contradict the paper here.
    assert "in the paper's order in 0 of 4 comparisons" in page
    assert (
        "- test error: the paper has SSNAS (first order) ahead of Random sampling (2.61 against "
        "3.29); here 62.50 ± 12.50 against 50.00 ± 35.36, less than one standard deviation apart"
    ) in page
    assert (
        "- linear accuracy: the paper has SSNAS (first order), batch size 32 ahead of ResNet-18, "
        "batch size 32 (88.78 against 87.63); here 37.50 ± 17.68 against 75.00\n"
    ) in page
    assert "- split minus same set: reported +0.63, here 0.00 ± 17.68" in page
    untrained = "linear accuracy untrained 50.00; knn accuracy 50.00; knn accuracy untrained 25.00"
    assert f"| {untrained} |" in page
    single = (made / "ssnas.table1.md").read_text()
    assert "**Scale: toy**" in single
    assert [cell.strip() for cell in single.split("\n")[10].split("|")][1:8] == [
        "Random sampling",
        "3.29",
        "50.00 ± 35.36",
        "2",
        "+46.71",
        "-",
        "2.5",
    ]


def test_tables_of_an_earlier_plan_are_removed(project, report):
    out = project / "results/tables"
    out.mkdir(parents=True)
    for name in ("faunae.table1.json", "notes.md"):
        (out / name).write_text("old")
    assert report(project)[0] == 0
    assert not (out / "faunae.table1.json").exists()
    assert (out / "notes.md").exists()


def test_quoted_rows_are_marked(project, report):
    plan = """
report:
  scale: lab
  tables:
    faunae.table1:
    - {row: ResNet-18, method: MoCo v1, runs: [probe/resnet18-s0],
       values: {linear_accuracy: linear_accuracy}}
    faunae.table2:
    - {row: ResNet-50, method: SimCLR, runs: [probe/ssnas-s0],
       values: {linear_accuracy: linear_accuracy}}
"""
    (project / "params.yaml").write_text(plan)
    assert report(project)[0] == 0
    out = project / "results/tables"
    content = json.loads((out / "faunae.table1.json").read_text())["rows"]
    assert (content[0]["status"], content[0]["note"]) == ("quoted", "quoted by the paper")
    assert content[0]["reproduced"] is None
    assert content[2]["reproduced"]["mean"] == 75.0
    assert (content[2]["params_million"], content[2]["reported_params_million"]) == (None, 11.1)
    assert content[2]["ssl_gain"] == 1.5
    assert content[3]["reported_search_gpu_days"] == 0.125
    content = json.loads((out / "faunae.table2.json").read_text())["rows"]
    (only,) = [row for row in content if row["reproduced"]]
    assert (only["method"], only["reported"], only["reported_flops"]) == ("SimCLR", 66.6, 4.11e9)
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics["rows_quoted"] == 9
    assert metrics["faunae"]["table2"] == {"ResNet-50-SimCLR": 50.0}


def test_of_several_searches_the_best_is_shown_beside_the_mean(project, report):
    file = project / "params.yaml"
    params = yaml.safe_load(file.read_text())
    for row in params["report"]["tables"]["ssnas.table1"]:
        row["several_searches"] = row["row"] == "SSNAS (first order)"
    file.write_text(yaml.safe_dump(params))
    assert report(project)[0] == 0
    made = project / "results/tables"
    row = rows(made, "ssnas.table1")[("SSNAS (first order)",)]
    assert row["best"] == min(seed["value"] for seed in row["seeds"]) == 50.0
    assert rows(made, "ssnas.table1")[("Random sampling",)]["best"] is None
    assert "(best 50.00)" in (made / "ssnas.table1.md").read_text()
    assert "best of 3, as the paper reports: 50.00" in (project / "results/report.html").read_text()
