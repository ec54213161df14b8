"""What the papers report, and a file of it that is not as expected."""

from __future__ import annotations

import pytest
import yaml

from nassl.files import InputError
from stages.report.evidence.reported import read_reported
from stages.report.numbers.headline import slug
from tests.stages.report.conftest import REPORTED


def test_papers_tables_are_complete():
    tables = read_reported(REPORTED)
    assert list(tables)[:2] == ["ssnas.table1", "ssnas.table2"]
    rows = [row for table in tables.values() for row in table.rows]
    assert sum(row.status == "run" for row in rows) == 38
    assert sum(row.status == "quoted" for row in rows) == 9
    for table in tables.values():
        assert all(tuple(row.values) == table.metrics for row in table.rows)
        assert len({slug(row) for row in table.rows}) == len(table.rows)


def test_a_row_has_what_the_paper_says_of_it():
    table = read_reported(REPORTED)["faunae.table2"]
    row = next(row for row in table.rows if row.label == "FaUNAE (ResNet-50), MoCo v2")
    assert row.values == {"linear_accuracy": 67.8}
    assert (row.params_million, row.flops, row.search_gpu_days) == (24, 3.87e9, 15.3)
    assert row.ours
    assert row.status == "run"


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (
            {"staus": "run"},
            "ssnas.table1, row 'A' has the unknown key 'staus'; allowed: row, value",
        ),
        ({"status": "done"}, "row 'A' has the status 'done'; available: run, quoted"),
        ({"value": [1.0, 2.0]}, "row 'A' has 2 values; the table's metrics are: test_error"),
        ({"value": "3.29"}, "row 'A' has the value '3.29'; a number is expected"),
        ({"value": True}, "row 'A' has the value True; a number is expected"),
        ({"row": None}, "ssnas.table1, row None has no 'row'"),
    ],
)
def test_a_row_that_is_not_as_expected_is_named(tmp_path, change, text):
    row = {"row": "A", "value": 3.29, "status": "run"} | change
    if row["row"] is None:
        del row["row"]
    content = {"title": "T", "dataset": "d", "metric": "test_error", "rows": [row]}
    file = tmp_path / "tables.yaml"
    file.write_text(yaml.safe_dump({"ssnas": {"table1": content}}))
    with pytest.raises(InputError) as error:
        read_reported(file)
    assert text in str(error.value)
    assert str(error.value).startswith(str(file))


def test_a_table_that_is_not_as_expected_is_named(tmp_path):
    file = tmp_path / "tables.yaml"
    file.write_text("ssnas: {table1: {title: T, dataset: d, rows: []}}\n")
    with pytest.raises(InputError, match=r"ssnas.table1 has no 'metric'"):
        read_reported(file)
    file.write_text("ssnas: {table1: {titel: T}}\n")
    with pytest.raises(InputError, match=r"ssnas.table1 has the unknown key 'titel'; allowed: ti"):
        read_reported(file)
    file.write_text("ssnas: [\n")
    with pytest.raises(InputError, match=r"tables.yaml cannot be read: "):
        read_reported(file)
    with pytest.raises(InputError, match=r"is missing; it comes with the source"):
        read_reported(tmp_path / "gone.yaml")
