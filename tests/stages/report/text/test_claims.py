"""The papers' claims in words, and on the page."""

from __future__ import annotations

import json

from stages.report.numbers.claims_faunae import Kernels, transfer
from stages.report.numbers.statistics import Share
from stages.report.text.claims import claims, of_kernels, of_transfer
from tests.stages.report.rows import row, table


def test_kernels_in_words():
    found = of_kernels(Kernels(Share(40, 40), Share(40, 40)))
    assert (found.verdict, found.number) == ("holds", "3x3 in 100 %, split attention in 100 %")
    assert found.ground == "40 blocks of evolved chains; drawn uniformly: 50 % and 67 %"
    assert found.range == "0.91 to 1.00; 0.91 to 1.00"


def test_transfer_in_words():
    rows = [
        row("ResNet-50", 53.5, [50.0, 50.2, 50.1], method="supervised"),
        row("FaUNAE", 59.3, [59.0, 59.2, 59.1], method="MoCo v2"),
    ]
    found = of_transfer(transfer([table(rows, name="faunae.table3")]))
    assert (found.number, found.verdict) == ("FaUNAE, MoCo v2: +9.0 AP", "holds")


def test_claims_are_on_the_page(full_project, evidence, report):
    file = full_project / "results/retrain/darts-digits-s0/metrics.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"train_accuracy": 0.9}))
    found = {claim.sentence[:14]: claim for claim in claims([], evidence)}
    collapse, error = found["DARTS collapse"], found["All networks r"]
    assert collapse.number == "1 of 1 DARTS searches, 0 of 2 of SSNAS"
    assert collapse.verdict == "cannot be told"
    assert error.number == "training error 10.0 %, gap to the test 5.0 points"
    assert found["What is remove"].number == "0 of 1 eliminations hit the present operation"
    code, text = report(full_project)
    assert code == 0, text
    page = (full_project / "results/report.html").read_text()
    assert "DARTS collapses to skip connections and SSNAS does not, on digits" in page
    assert "cannot be told</span>" in page
