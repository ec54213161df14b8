"""The page as a document: what it contains, and that it needs nothing else."""

from __future__ import annotations

import re

import pytest

from stages.report.evidence.asked import Report
from stages.report.numbers.own import Best, OwnRow, OwnTable, Pretrained
from stages.report.page import page as write_page
from stages.report.text.own_verdict import verdict
from tests.stages.report.document import Document, words


@pytest.fixture(scope="module")
def page(page_file) -> str:
    return page_file.read_text()


@pytest.fixture(scope="module")
def document(page) -> Document:
    return Document(page)


def test_it_loads_nothing_and_runs_nothing(page, document):
    names = {tag for tag, _ in document.elements}
    assert not names & {"script", "iframe", "object", "embed"}
    for tag, attributes in document.elements:
        for key in ("src", "href"):
            if key in attributes:
                assert attributes[key].startswith(("data:", "#")), (tag, attributes[key])
        assert not [key for key in attributes if key.startswith("on")]
    assert "url(" not in page
    assert "@import" not in page


def test_every_picture_has_a_size_and_an_alternative_text(page, document):
    pictures = [(tag, found) for tag, found in document.elements if tag in ("img", "svg")]
    kinds = [tag for tag, _ in pictures]
    assert kinds.count("img") == 1
    assert kinds.count("svg") > 8
    for tag, found in pictures:
        assert float(found["width"]) > 0
        assert float(found["height"]) > 0
        if tag == "img":
            assert found["alt"]
        else:
            assert found["role"] == "img"
    assert len(re.findall(r"<svg[^>]*><title>[^<]+</title>", page)) == kinds.count("svg")


def test_every_entry_of_the_contents_leads_somewhere(document):
    ids = {found["id"] for _, found in document.elements if "id" in found}
    links = {found["href"][1:] for tag, found in document.elements if tag == "a"}
    assert links <= ids
    assert {"findings", "ssnas-table1", "faunae-table3", "cost", "provenance"} <= links


def test_scale_and_device_stand_first_and_at_every_table(page, document):
    assert "Toy scale on cpu: not the papers' experiment" in page
    assert "cannot be compared with the reported ones" in words(document, "")
    for table in ("ssnas-table1", "faunae-table3"):
        assert "Toy scale · cpu" in words(document, table)
        assert "here (toy)" in words(document, table)


def test_a_table_has_values_interval_difference_and_marks(document):
    text = words(document, "ssnas-table1")
    # t(0.975, 2) = 4.302653 (printed tables), times 10 / sqrt(3)
    assert "SSNAS (first order) 2.61 20.00 ± 10.00 3 -4.84 to 44.84 +17.39" in text
    assert "DARTS (first order) 3.00 2 15.00 1 – +12.00 ? 1" in text  # noqa: RUF001
    assert "Random sampling 3.29 1 not in this plan" in text
    told = "Of 1 comparison with the paper's order 0 agree, 0 disagree and 1 cannot be told."
    assert told in text
    assert "31 k" in text
    assert "3.35 M" in text


def test_quoted_rows_and_several_metrics(document):
    assert "AMDIM small AMDIM 89.50 quoted by the paper reported 194 M manual" in words(
        document, "faunae-table1"
    )
    text = words(document, "faunae-table3")
    assert "FaUNAE MoCo v2 AP50 83.30 50.00 1" in text
    assert "AP75 66.20 12.50 1" in text
    assert "Not drawn: AP75." in text


def test_findings_are_made_from_the_numbers(document):
    text = words(document, "findings")
    assert "evaluation, and of the training of the weights that they evaluate or start" in text
    assert "3/38 3 of the 38 rows that can be run were run; 35 are not in this plan." in text
    assert "9 rows are quoted by the papers from elsewhere and only shown." in text
    told = "0/1 Of 1 comparison with the paper's order 0 agree, 0 disagree and 1 cannot be told. "
    assert told in text
    assert "1/3 1 of 3 gradient searches collapsed" in text
    assert "2/2 For 2 of 2 scored candidates the mean margin is positive" in text
    # ln 127 = 4.844: one of the two losses (3.00 and 4.84) is no better than chance.
    assert "1/2 1 of 2 scored candidates have a contrastive loss within 1 % of chance" in text
    assert "50 % 1 evolution tried 2 mutations and accepted 1 of them (50 %)." in text
    assert "110 s All 11 measured runs together took 110 s on: cpu; 55 % of it" in text


def test_architectures_are_drawn_once_with_how_they_were_picked(page, document):
    text = words(document, "architectures")
    assert "2 different ones" in text
    assert "ssnas-digits : seed 0, selected of 2 by contrastive loss: 3.0000" in text
    assert "(mean of all 3.9200 ± 1.3000)" in text
    assert page.count("<title>Architecture ") == 2


def test_curves_stand_apart_by_objective(document):
    text = words(document, "searches")
    assert "validation loss (nats), cross entropy" in text
    assert "validation loss (nats), contrastive" in text
    assert "entropy of alpha, normal cell (nats)" in text
    assert "skip connections, normal cell epoch" not in text  # was not recorded


def test_cost_is_added_up_per_stage_and_per_row(document):
    text = words(document, "cost")
    assert "search 4 40 s 0.096 36 % cpu" in text
    assert "select 1 – – – not measured" in text  # noqa: RUF001
    # three trainings, two searches, two scores, their selection and the data
    assert "ssnas.table1 SSNAS (first order) 9 20 s 20 s 30 s 0.168" in text
    assert "faunae.table3 FaUNAE, MoCo v2 8 20 s 20 s 20 s" in text


def test_provenance_names_plan_data_versions_and_machine(document):
    text = words(document, "provenance")
    assert re.search(r"Plan [0-9a-f]{64} \(SHA-256 of params.yaml\)", text)
    assert re.search(r"torch \d+\.\d+", text)
    assert re.search(r"\d+ cores, \d+ GiB", text)
    assert "digits digits 16 test 600" in text


def test_a_plan_with_little_says_what_is_not_in_it(project, report):
    assert report(project)[0] == 0
    document = Document((project / "results/report.html").read_text())
    for section, text in (
        ("architectures", "No run of this plan has left an architecture."),
        ("searches", "No search of this plan recorded a curve."),
        ("evolution", "This plan has no evolution"),
        ("prediction", "no two architectures were both scored and trained in full"),
        ("margins", "No candidate of this plan was scored contrastively."),
        ("detections", "No run of this plan has left pictures of detections."),
        ("provenance", "No data set of this plan has a manifest."),
    ):
        assert text in words(document, section)


def test_the_best_of_several_seeds_is_never_the_result(document):
    """The best seed has 10.00 % error; only the mean stands in the table."""
    cells = words(document, "ssnas-table1").split("Of 1 comparison with")[0]
    assert "20.00 ± 10.00" in cells
    assert " 10.00 " not in cells.replace("± 10.00", "")


def test_own_images_stand_in_a_table_without_a_paper(evidence):
    seeds = tuple(Pretrained(f"retrain/ssnas-digits-s{seed}", 3.5) for seed in (0, 1))
    runs = tuple(seed.run for seed in seeds)
    values = {"linear_accuracy": (59.75, 61.25, 62.75)}
    row = OwnRow("SSNAS", "digits", runs, 3.25, seeds, 1200, 300, 0.5, 1e6, 90, values, ())
    own = OwnTable("toy", "c0ffee", (row,), Best(3.25, 3.5, "pretrain/x", "SSNAS"))
    plan = evidence.results.parent / "params.yaml"
    document = Document(
        write_page([], evidence, Report("toy", {}), "c0ffee", plan, own, verdict(own))
    )
    text = words(document, "own")
    assert "without labels on 1,200 images; accuracies (%) are of 300 images" in text
    assert "SSNAS 2 3.2500 3.5000 61.25 ± 1.50 500 k 1 M 90 s" in text
    assert "Best network, chosen without labels: SSNAS ( pretrain/x" in text.replace(
        "(pre", "( pre"
    )
    assert "1 different ones" in words(document, "architectures")


def test_names_from_the_plan_are_escaped(full_project, report):
    plan = full_project / "params.yaml"
    plan.write_text(plan.read_text().replace("data: digits for cifar10", "data: <b>digits</b>"))
    assert report(full_project)[0] == 0
    text = (full_project / "results/report.html").read_text()
    assert "&lt;b&gt;digits" in text
    assert "<b>digits</b>" not in text


def test_the_same_results_give_the_same_page(full_project, report):
    path = full_project / "results/report.html"
    report(full_project)
    first = path.read_bytes()
    report(full_project)
    assert path.read_bytes() == first
