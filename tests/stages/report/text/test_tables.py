"""What is said of the reported numbers: the paper's protocol, where a number is from, how the
architecture was found."""

from __future__ import annotations

import csv
import json

from stages.report.text.markdown import page
from stages.report.text.tables import table_view
from tests.stages.report.rows import row, table

ROWS = [
    row("A", 1.0, 1.5, number_from="first paper, 5 epochs", search_method="manual"),
    row("B", 2.0, None, number_from="second paper", search_method="evolution"),
    row("C", 3.0, 2.5, number_from="first paper, 5 epochs"),
    row("D", 4.0, 4.5),
]


def test_sources_are_footnotes_each_once():
    view = table_view(table(ROWS))
    first, second = (
        "reported number from the first paper, 5 epochs",
        "reported number from the second paper",
    )
    assert view.sources == [first, second]
    assert [line.source for line in view.lines] == [first, second, first, ""]


def test_markdown_has_protocol_sources_and_search_methods():
    text = page(table(ROWS, protocol="9 epochs"))
    assert "In the paper: 9 epochs." in text
    line = next(line for line in text.splitlines() if line.startswith("| B "))
    cells = [cell.strip() for cell in line.split("|")]
    assert "evolution" in cells
    assert "not in this plan; reported number from the second paper" in cells
    bare = page(table(ROWS[3:]))
    assert "In the paper" not in bare
    assert "search method" not in bare


def test_files_and_page_have_them_too(full_project, report):
    assert report(full_project)[0] == 0
    tables = full_project / "results/tables"
    content = json.loads((tables / "ssnas.table1.json").read_text())
    assert content["protocol"].startswith("4 searches of 50 epochs (8 cells, 16 channels)")
    darts = next(row for row in content["rows"] if row["row"] == "DARTS (first order)")
    assert darts["reported_number_from"] == "DARTS paper, mean 3.00 ± 0.14"
    assert darts["reported_search_method"] == "supervised"
    with (tables / "ssnas.table1.csv").open() as file:
        line = list(csv.DictReader(file))[1]
    assert line["reported_number_from"] == "DARTS paper, mean 3.00 ± 0.14"
    text = (full_project / "results/report.html").read_text()
    section = text.partition('<section id="ssnas-table1">')[2].partition("</section>")[0]
    assert "<br>In the paper: 4 searches of 50 epochs" in section
    assert '<td class="n">3.00 <sup>2</sup></td>' in section
    assert "<sup>2</sup> reported number from the DARTS paper, mean 3.00 ± 0.14." in section
    assert '<span class="sub">self-supervised</span>' in section
