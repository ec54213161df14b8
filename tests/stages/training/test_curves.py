"""WrittenCurves: the same files however often the run was interrupted."""

from __future__ import annotations

import subprocess
import sys

from stages.training.curves import WrittenCurves

ROWS = [{"loss": 0.1 * n, "accuracy": n / 3} for n in range(4)]


def contents(folder):
    return {p.name: p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_a_resumed_run_writes_the_same_files(tmp_path):
    whole = WrittenCurves(tmp_path / "whole")
    for row in ROWS:
        whole.add(row)
    whole.close()
    killed = WrittenCurves(tmp_path / "killed")
    for row in ROWS[:3]:
        killed.add({**row, "of an earlier version": 1})
    resumed = WrittenCurves(tmp_path / "killed")
    resumed.restore(ROWS[:2])  # the checkpoint is older than the files
    for row in ROWS[2:]:
        resumed.add(row)
    resumed.close()
    assert resumed.rows == ROWS
    assert contents(tmp_path / "whole") == contents(tmp_path / "killed")
    table = (tmp_path / "whole/plots/metrics/accuracy.tsv").read_text().splitlines()
    assert table[0] == "step\taccuracy"
    assert [float(line.split("\t")[1]) for line in table[1:]] == [n / 3 for n in range(4)]


def test_rows_are_written_as_they_come(tmp_path):
    curves = WrittenCurves(tmp_path / "c")
    curves.add(ROWS[0])
    assert "loss.tsv" in contents(tmp_path / "c")


def test_without_a_row_the_folder_is_empty(tmp_path):
    WrittenCurves(tmp_path / "c").close()
    assert list((tmp_path / "c").iterdir()) == []


def test_curves_are_written_without_pandas_which_stays_importable(tmp_path):
    (tmp_path / "pandas.py").write_text("print('imported')\n")
    code = (
        "from stages.training.curves import WrittenCurves\n"
        f"WrittenCurves(Path({str(tmp_path / 'c')!r})).add({{'loss': 1.0}})\n"
        "print('written')\nimport pandas\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", "import sys; from pathlib import Path\n"
         f"sys.path.insert(0, {str(tmp_path)!r})\n" + code],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert run.stdout.split() == ["written", "imported"]
    assert (tmp_path / "c/plots/metrics/loss.tsv").exists()
