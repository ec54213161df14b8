"""The table of the benchmarks' README comes from the recorded results."""

from __future__ import annotations

import pytest

from benchmarks import measure
from benchmarks import table as tables


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.setattr(measure, "RESULTS", tmp_path / "results.json")
    monkeypatch.setattr(tables, "README", tmp_path / "README.md")
    (tmp_path / "README.md").write_text(f"# Before\n{tables.BEGIN}old\n{tables.END}after\n")
    return tmp_path


def test_table_replaces_what_stands_between_the_markers(files):
    fast, slow = measure.Timing([1.0, 2.0, 9.0], [1.0] * 3), measure.Timing([8.0] * 3, [6.0] * 3)
    measure.compare("supernet_step", fast, slow, flops=2e9, peak=4e9)
    measure.record("supernet_memory", 8.0, 10.0, 0.8, "GB", 1)
    tables.write_table()
    tables.write_table()  # twice gives the same
    text = (files / "README.md").read_text()
    assert text.startswith(f"# Before\n{tables.BEGIN}")
    assert text.endswith(f"{tables.END}after\n")
    assert "old" not in text
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    memory, step = cells
    assert memory[:6] == ["`supernet_memory`", "8 GB", "10 GB", "0.80", "", "<= 0.7, **not kept**"]
    assert step[:7] == ["`supernet_step`", "2 s", "8 s", "4.00", "6.00", ">= 3.0", "3"]
    assert step[7].startswith("2.0 GFLOP, 25% of the matmul peak")


def test_a_claim_takes_the_place_of_its_former_one(files):
    measure.record("knn", 1.0, 2.0, 2.0, "s", 3)
    measure.record("knn", 1.0, 4.0, 4.0, "s", 3, cpu_ratio=3.5)
    (entry,) = measure.read_results()
    assert entry["ratio"] == 4.0
    assert entry["cpu_ratio"] == 3.5
    needed = {"claim", "ours", "other", "ratio", "unit", "n", "date", "versions"}
    assert needed <= entry.keys()


def test_without_results_there_is_no_table(files):
    tables.write_table()
    text = (files / "README.md").read_text()
    assert text == f"# Before\n{tables.BEGIN}{tables.END}after\n"
