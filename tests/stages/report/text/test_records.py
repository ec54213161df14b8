"""The files of the tables: which rows, lines and keys they have."""

from __future__ import annotations

import csv
import json


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
            "table1": {
                "Random-sampling": {"test_error_percent": 50.0},
                "SSNAS-first-order": {"test_error_percent": 62.5},
            },
            "table4": {
                "ResNet-18-bs32": {
                    "linear_accuracy_percent": 75.0,
                    "semi_supervised_accuracy_percent": 87.5,
                },
                "SSNAS-first-order-bs32": {
                    "linear_accuracy_percent": 37.5,
                    "semi_supervised_accuracy_percent": 62.5,
                },
            },
            "table5": {"SSNAS-first-order-random-weights": {"finetune_accuracy_percent": 12.5}},
            "section4_4": {"split-minus-same-set": {"accuracy_difference_percent": 0.0}},
        },
        "rows_reproduced": 6,
        "rows_runnable": 20,
        "rows_quoted": 0,
        "ssl_gain": {"mean_ratio": 1.25, "share_above": 0.5, "rows": 2},
    }


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
    assert metrics["faunae"]["table2"] == {"ResNet-50-SimCLR": {"linear_accuracy_percent": 50.0}}
