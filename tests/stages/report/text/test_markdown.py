"""The tables in Markdown."""

from __future__ import annotations

from html import unescape

from stages.report.text.wording import COLUMNS


def test_page_says_scale_device_and_wrong_order(made):
    page = (made / "index.md").read_text()
    assert "**Scale: toy** - stand-in data" in page
    assert "**Device: cpu.** Data: a pool of digits for STL-10; digits for CIFAR-10." in page
    assert "6 of the 20 rows that can be run were run; 14 are not in this plan." in page
    assert "and of the training of the weights that they evaluate or start from; every run" in page
    assert "average 1.25 times" in page
    assert "pretraining without labels helps in 1 of 2 rows" in page
    # All contradict the paper here, table 1, both metrics of table 4 and the sign of section 4.4,
    # with one to three seeds that differ much.
    order = "comparisons with the paper's order 0 agree, 0 disagree and 4 cannot be told."
    assert f"Of 4 {order}" in page
    untrained = "linear accuracy untrained 50.00; knn accuracy 50.00; knn accuracy untrained 25.00"
    assert f"| {untrained} |" in page
    single = (made / "ssnas.table1.md").read_text()
    assert "**Scale: toy**" in single
    assert [cell.strip() for cell in single.split("\n")[10].split("|")][1:9] == [
        "Random sampling",
        "random",
        "3.29",
        "50.00 ± 35.36",
        "2",
        "+46.71",
        "-",
        "2.5",
    ]


def test_what_the_tables_say_is_said_once(made):
    """The same sentences stand on the page."""
    index = (made / "index.md").read_text()
    page = unescape((made.parent / "report.html").read_text())
    sentences = [
        "6 of the 20 rows that can be run were run; 14 are not in this plan.",
        "A linear classifier on pretrained networks reaches on average 1.25 times",
        "Of 4 comparisons with the paper's order 0 agree, 0 disagree and 4 cannot be told. A",
        "Of 1 comparison with the paper's order 0 agree, 0 disagree and 1 cannot be told.",
        COLUMNS,
    ]
    for sentence in sentences:
        assert sentence in index
        assert sentence in page
