"""Reading of what the runs left, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from nassl.files import InputError
from stages.report.evidence.architectures import architectures
from stages.report.evidence.runs import Cost, Evidence
from stages.report.numbers.evolution import evolutions


def test_a_curve_counts_epochs_from_one(evidence):
    points = evidence.curve("search", "ssnas-digits-s0", "entropy_normal")
    assert points == [(1, 2.0), (2, 1.5), (3, 1.0)]
    assert evidence.curve("search", "ssnas-digits-s0", "skip_connections") == []


def test_a_file_that_is_not_a_curve_is_named(evidence):
    folder = evidence.results / "search/ssnas-digits-s0/curves/plots/metrics"
    (folder / "train_loss.tsv").write_text("epoch\tloss\n0\t1.0\n")
    with pytest.raises(InputError, match=r"train_loss.tsv has no columns 'step' and 'train_loss'"):
        evidence.curve("search", "ssnas-digits-s0", "train_loss")


def test_methods_are_named_without_data_and_seed(evidence):
    assert evidence.method("search", "ssnas-digits-s1") == "ssnas"
    lines = {"ssnas-digits-b32-s1": {"data": "digits", "seed": 1}}
    assert Evidence(Path(), {"pretrain": lines}).method("pretrain", "ssnas-digits-b32-s1") == (
        "ssnas-b32"
    )


def test_results_of_an_earlier_plan_are_not_looked_at(evidence):
    old = evidence.results / "search/old-digits-s0"
    old.mkdir()
    (old / "genealogy.json").write_text("{}")
    assert [evolution.run for evolution in evolutions(evidence)] == ["faunae-digits-s0"]


def test_the_same_architecture_is_one_with_all_its_names(evidence):
    evidence.plan["retrain"]["again"] = {"architecture": "search/ssnas-digits-s0"}
    runs = ["retrain/darts-digits-s0", "retrain/again", "retrain/ssnas-digits-s1"]
    found = architectures(evidence, runs)
    assert [architecture.title for architecture in found] == [
        "darts-digits-s0",
        "ssnas-digits-s0, ssnas-digits",
    ]


def test_a_cost_is_typed_and_an_incomplete_one_is_named(evidence):
    assert evidence.cost("search", "ssnas-digits-s0") == Cost(10.0, 0.001, "cpu")
    assert evidence.cost("select", "ssnas-digits") is None
    (evidence.folder("search", "ssnas-digits-s0") / "cost.json").write_text('{"seconds": 1}')
    with pytest.raises(InputError, match=r"ssnas-digits-s0/cost.json has no 'gpu_days'"):
        evidence.cost("search", "ssnas-digits-s0")
