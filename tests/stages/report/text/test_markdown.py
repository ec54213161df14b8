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
    # Table 1, both metrics of table 4 and the sign of section 4.4 all contradict the paper here.
    assert "in the papers' order in 0 of 4 comparisons of means" in page
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
        "Methods come in the papers' order in 0 of 4 comparisons of means.",
        "The order differs from the paper's in 1 of 1 comparison:",
        COLUMNS,
    ]
    for sentence in sentences:
        assert sentence in index
        assert sentence in page
