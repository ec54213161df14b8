"""CSV files for `dvc plots`."""

from __future__ import annotations

import csv

from tests.stages.report.conftest import ROOT


def test_series_for_dvc_plots(full_project, report):
    assert report(full_project)[0] == 0
    folder = full_project / "results/tables/plots"
    with (folder / "searches.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == 3 * 3  # three searches of three epochs
    last = next(line for line in lines if line["run"] == "ssnas-digits-s1" and line["epoch"] == "3")
    assert (last["method"], last["validation_loss"], last["skip_connections"]) == (
        "ssnas",
        "2.0",
        "",
    )
    with (folder / "rows.csv").open() as file:
        lines = list(csv.DictReader(file))
    seeds = [line["percent"] for line in lines if line["row"].startswith("SSNAS")]
    assert [float(value) for value in seeds] == [10.0, 20.0, 30.0]
    # darts was never scored, and of the candidates only the winner was trained: nothing to compare
    assert (folder / "scores.csv").read_text().count("\n") == 1
    declared = (ROOT / "dvc.yaml").read_text()
    assert all(f"plots/{name}.csv" in declared for name in ("searches", "rows", "scores"))
