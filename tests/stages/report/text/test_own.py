"""What is said of your own images, in Markdown and on the page."""

from __future__ import annotations

from html import unescape

from stages.report.evidence.asked import Report
from stages.report.numbers.own import Best, OwnRow, OwnTable, Pretrained
from stages.report.page import page
from stages.report.text.own import about, cells, own_page
from stages.report.text.own_verdict import verdict

KNN = {"knn_accuracy": (59.75, 61.25, 62.75)}


def own(tested: int = 300, values: dict[str, tuple[float, ...]] = KNN) -> OwnTable:
    """Two rows, of which the second has no accuracy and was not selected."""
    seed = (Pretrained("retrain/ssnas-digits-s0", 3.5),)
    shared = {"n_trained_on": 1200, "n_tested_on": tested, "params_million": 0.5, "flops": 2e9}
    rows = tuple(
        OwnRow(name, "mine", ("retrain/<run>",), loss, seed, seconds=90, leaks=(), **shared, **more)
        for name, loss, more in (
            ("SSNAS <one>", 3.25, {"values": values}),
            ("Random", None, {"values": {}}),
        )
    )
    return OwnTable("toy", "c0ffee", rows, Best(3.25, 3.5, "retrain/<run>", "SSNAS <one>"))


def test_the_cells_of_a_row():
    one, two = cells(own())
    assert list(one.values()) == ["SSNAS <one>", "1", "3.2500", "3.5000", "61.25 ± 1.50", "500 k",
                                  "2 G", "90 s"]  # fmt: skip
    assert (two["held-out contrastive loss (nats)"], two["knn accuracy"]) == ("-", "-")


def test_without_classes_there_are_no_accuracies():
    table = own(tested=0, values={})
    assert about(table).endswith("on 1,200 images; without class folders there are no accuracies.")
    assert "knn accuracy" not in cells(table)[0]


def test_markdown_and_page_say_the_same(evidence):
    table = own()
    plan = evidence.results.parent / "params.yaml"
    text = page([], evidence, Report("toy", {}), "c0ffee", plan, table, verdict(table))
    section = text.partition('<section id="own">')[2].partition("</section>")[0]
    said = "chosen without labels: SSNAS <one> (`retrain/<run>`); its weights and its genotype are"
    markdown = own_page(table, verdict(table))
    assert said in markdown
    plain = unescape(section.replace("<code>", "`").replace("</code>", "`"))
    assert said in plain
    assert about(table) in plain
    assert about(table) in markdown
    assert "<run>" not in section  # escaped
    for column, cell in cells(table)[0].items():
        assert f">{column}</th>" in section
        assert f">{cell}</t" in plain
