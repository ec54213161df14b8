"""The study's answers from a finished plan: planted truths are found, and nothing else."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest

from nassl.files import InputError
from stages.report import published
from stages.report.__main__ import report
from stages.report.evidence.asked import read_report
from stages.report.evidence.runs import read_evidence
from stages.report.numbers.study.answers import Answer
from stages.report.numbers.study.comparisons import ENDS
from stages.report.numbers.study.questions import ALL, answers, where_starts_differ
from stages.report.numbers.verdicts import AGREES, DISAGREES, UNKNOWN
from stages.report.text.study import from_records, study_records
from tests.stages.report.study_project import EVOLVED, LABELLED, write_study

ROOT = Path(__file__).resolve().parents[3]
REPORTED = ROOT / "workflow" / "report" / "paper_tables.yaml"


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    return write_study(tmp_path_factory.mktemp("study"))


@pytest.fixture(scope="module")
def found(project) -> list[Answer]:
    evidence = read_evidence(project / "results", project / "params.yaml")
    return answers(read_report(project / "params.yaml").study, evidence)


def one(found: list[Answer], question: str, what: str, among: str) -> Answer:
    (answer,) = [a for a in found if (a.question, a.what, a.among) == (question, what, among)]
    return answer


def test_a_scores_that_know_the_quality_predict_and_others_do_not(found):
    for what, verdict in {
        "contrastive loss": AGREES,
        "contrastive loss, at equal FLOPs": AGREES,
        "contrastive loss, half of the budget": AGREES,
        "contrastive loss, a quarter of the budget": UNKNOWN,
        "contrastive training loss": AGREES,
        "margin": AGREES,
        "accuracy of a short supervised training": AGREES,
        "synflow, untrained": UNKNOWN,
        "jacobian covariance, untrained": UNKNOWN,
        "linear accuracy of random weights": UNKNOWN,
        "parameters": UNKNOWN,
        "FLOPs": UNKNOWN,
    }.items():
        answer = one(found, "a", what, ALL)
        assert (answer.verdict, answer.n) == (verdict, (40,)), what
    assert one(found, "a", "contrastive loss", "random cells").n == (24,)
    whole, half = (
        one(found, "a", f"contrastive loss{part}", ALL).estimate
        for part in ("", ", half of the budget")
    )
    assert whole > half > 0


def test_b_selecting_by_the_loss_gains_over_the_mean_of_four(found):
    gain = one(found, "b", "contrastive loss: better than the mean of four by", "random cells")
    # 1.03 deviations of 2 points, of a score that correlates almost perfectly.
    assert gain.verdict == AGREES
    assert gain.estimate == pytest.approx(2.06, abs=0.7)
    regret = one(
        found, "b", "contrastive loss: worse than full training's choice by", "random cells"
    )
    assert regret.interval95[0] <= 0.1


def test_c_methods_and_collapse(found):
    better = one(found, "c", "accuracy after retraining", "SSNAS against DARTS")
    assert better.verdict == AGREES
    assert better.estimate == pytest.approx(8, abs=2.5)
    assert better.n == (8, 8)
    assert one(found, "c", "linear accuracy, at equal FLOPs", "SSNAS against DARTS").verdict == (
        AGREES
    )
    worse = one(found, "c", "accuracy after retraining", "DARTS against random cells")
    assert (worse.verdict, worse.estimate < 0) == (DISAGREES, True)
    for labels in ("all labels", "few labels"):
        assert one(found, "c", f"searches that collapsed, {labels}", "DARTS").estimate == 1
        more = one(found, "c", f"share that collapsed, {labels}", "DARTS minus SSNAS")
        assert (more.estimate, more.verdict) == (1, AGREES)


def test_d_evolution_improves_on_its_starts_and_keeps_their_order(found):
    gain = one(found, "d", "accuracy after retraining", "evolved from random, against its start")
    assert gain.estimate == pytest.approx(EVOLVED, abs=1.5)
    assert gain.n == (3,)  # pairs of the same seed
    pair = "from ResNet-50, against from ProxylessNAS"
    assert one(found, "d", "the starts", pair).verdict == AGREES
    assert one(found, "d", ENDS, pair).verdict == AGREES


def test_d_an_order_of_ends_says_nothing_where_the_starts_are_not_told_apart(found):
    told = [a for a in found if a.what in ("the starts", ENDS)]
    assert [a.what for a in told] == ["the starts", ENDS] * 3  # one after the other
    start, end = told[:2]
    for of_start, expected in ((AGREES, DISAGREES), (UNKNOWN, UNKNOWN)):
        given = [replace(start, verdict=of_start), replace(end, verdict=DISAGREES)]
        assert [a.verdict for a in where_starts_differ(given)] == [of_start, expected]


def test_e_cells_and_chains_differ_and_dense_cells_do_not(found):
    for among, verdict in (
        ("random cells", AGREES), ("random chains", AGREES), ("random dense cells", UNKNOWN),
    ):  # fmt: skip
        between = one(found, "e", "deviation between architectures", among)
        assert between.verdict == verdict
        low, high = one(found, "e", "deviation between seeds", among).interval95
        assert low < 0.7 < high
    assert one(found, "e", "deviation between architectures", "random cells").interval95[0] > 1
    share = "of it, share that the contrastive loss gets"
    assert one(found, "e", share, "random cells").estimate == pytest.approx(1, abs=0.25)
    assert not [a for a in found if (a.what, a.among) == (share, "random dense cells")]


def test_f_pairs_of_a_seed_and_what_pretraining_gains(found):
    split = one(found, "f", "accuracy after retraining", "split against one set")
    assert (split.n, split.verdict) == ((6,), AGREES)
    assert split.estimate == pytest.approx(2, abs=1)
    for share, gain in (("1 %", LABELLED["hundredth"]), ("10 %", LABELLED["tenth"]), ("100 %", 0)):
        answer = one(
            found, "f", f"fine-tuned on {share} of labels", "pretrained against random weights"
        )
        assert answer.estimate == pytest.approx(gain, abs=1)
        assert answer.verdict == (AGREES if gain else UNKNOWN)


def test_records_are_read_back(found):
    records = study_records(found)
    assert study_records(from_records(records)) == records
    assert [a.n for a in from_records(records)] == [a.n for a in found]


@pytest.fixture(scope="module")
def made(project, found) -> Path:
    out = project / "results" / "tables"
    report(project / "results", REPORTED, out, project / "page.html", project / "params.yaml")
    return out


def test_tables_and_page_say_the_same(made, found, project):
    lines = list(csv.DictReader((made / "study.csv").open(newline="")))
    content = json.loads((made / "study.json").read_text())
    assert len(lines) == len(content["answers"]) == len(found)
    assert content["scale"] == "study"
    row = next(line for line in lines if line["what"] == "contrastive loss")
    tau = one(found, "a", "contrastive loss", ALL)
    assert float(row["estimate"]) == tau.estimate
    text, page = (made / "study.md").read_text(), (project / "page.html").read_text()
    assert f"{tau.estimate:+.2f}" in text
    for part in ("<h3>a. Does the score predict?</h3>", f"<td>{tau.estimate:+.2f}</td>"):
        assert part in page
    for letter in "abcdef":
        assert f"Study, {letter}. " in page  # at the head
    assert page.count('class="plot"') > 6


def test_a_run_that_is_missing_is_named(project):
    evidence = read_evidence(project / "results", project / "params.yaml")
    file = evidence.folder("retrain", "random-digits-s5") / "metrics.json"
    content = file.read_text()
    file.unlink()
    try:
        with pytest.raises(InputError, match="retrain@random-digits-s5"):
            answers(read_report(project / "params.yaml").study, evidence)
    finally:
        file.write_text(content)


def test_publishing_writes_a_page_from_its_own_tables(made, project, tmp_path):
    published.publish(project, tmp_path)
    text = (tmp_path / "study.md").read_text()
    assert text == published.page(tmp_path)
    assert "not been run" not in text
    origin = json.loads((tmp_path / "study/origin.json").read_text())
    assert origin["plan"] == "python -m stages.plan paper=study"
    runs = sum(1 for _ in (project / "results").rglob("cost.json"))
    assert origin["hours"] == pytest.approx(36 * runs / 3600, abs=0.01)
    for name in ("a-tau.svg", "e-points.svg"):
        assert f"(study/{name})" in text
        assert (tmp_path / "study" / name).read_text().startswith("<svg xmlns=")
    # A number that was changed by hand no longer fits the tables.
    table = tmp_path / "study/study.csv"
    table.write_text(table.read_text().replace("agrees", "disagrees"))
    assert published.page(tmp_path) != text


def test_a_smoke_run_is_not_published(tmp_path):
    tables = tmp_path / "results/tables"
    tables.mkdir(parents=True)
    (tables / "study.json").write_text('{"scale": "smoke", "commit": "x", "answers": []}')
    with pytest.raises(InputError, match="whose numbers mean nothing"):
        published.publish(tmp_path, tmp_path / "docs")
    with pytest.raises(InputError, match="finish a study first"):
        published.publish(tmp_path / "other", tmp_path / "docs")


def test_the_page_of_the_documentation_is_that_of_its_tables():
    assert (ROOT / "docs/study.md").read_text() == published.page(ROOT / "docs")
    found = published.read_published(ROOT / "docs/study")
    for name, svg in published.figures(found.answers).items() if found else ():
        assert (ROOT / "docs/study" / name).read_text() == svg
