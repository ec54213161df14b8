"""Kendall's tau of scores against results, and what may be compared with what."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import kendalltau

from nassl.genotypes import write_genotype
from nassl.genotypes.cell import random_genotype
from stages.report.evidence.runs import Evidence
from stages.report.figures.prediction import prediction_panels
from stages.report.numbers.prediction import Point, Question, interval, questions, tau_b
from stages.report.text.prediction import answer


@pytest.mark.parametrize("seed", range(4))
def test_one_stratum_is_scipys_tau_with_ties(seed):
    draw = np.random.default_rng(seed)
    points = draw.integers(0, 5, size=(9, 2)).astype(float)
    assert tau_b([points]) == pytest.approx(kendalltau(*points.T).statistic)


def test_pairs_are_made_within_strata_only():
    # Within each stratum the orders agree; across them they would not.
    strata = [np.array([[1.0, 10], [2, 11]]), np.array([[3.0, 1], [4, 2]])]
    assert tau_b(strata) == 1
    assert kendalltau(*np.concatenate(strata).T).statistic < 0
    # 1 agreeing and 2 opposite pairs: (1 - 2) / 3
    strata = [
        np.array([[1.0, 1], [2, 2]]),
        np.array([[1.0, 2], [2, 1]]),
        np.array([[0.0, 5], [1, 0]]),
    ]
    assert tau_b(strata) == pytest.approx(-1 / 3)


def test_only_ties_give_no_tau():
    assert np.isnan(tau_b([np.array([[1.0, 2], [2, 2]])]))


@pytest.mark.filterwarnings("error")
def test_ties_alone_have_no_interval():
    assert interval(question([(1.0, 0.5)] * 6)) is None


def question(pairs: list[tuple[float, float]], criterion: str = "accuracy") -> Question:
    points = [Point(f"a{n}", ("digits", f"a{n}"), x, (y,)) for n, (x, y) in enumerate(pairs)]
    return Question(criterion, "retrain", "test_accuracy", {"digits": points})


def test_interval_needs_five_architectures():
    pairs = [(n / 10, n / 10) for n in range(5)]
    assert interval(question(pairs[:4])) is None
    assert interval(question(pairs)) == (1.0, 1.0)


def test_an_architecture_in_two_strata_counts_once():
    asked = question([(n / 10, n / 10) for n in range(4)])
    asked.strata["again"] = list(asked.strata["digits"])
    assert asked.architectures == 4
    assert interval(asked) is None


def test_interval_of_no_relation_contains_zero_and_is_reproducible():
    draw = np.random.default_rng(0)
    asked = question([tuple(pair) for pair in draw.random((12, 2))])
    low, high = interval(asked)
    assert low < 0 < high
    assert low >= -1
    assert high <= 1
    assert interval(asked) == (low, high)
    assert low < tau_b(asked.signed()) < high


def test_a_low_contrastive_loss_is_a_good_score():
    asked = question([(3.0, 0.1), (2.0, 0.2)], "contrastive_loss")
    assert tau_b(asked.signed()) == 1


# ------------------------------------------------------- from results on disk ----


def project(folder: Path, accuracies: list[float], losses: list[float]) -> Evidence:
    """Scored candidates, each of which was retrained from its search."""
    plan: dict = {"search": {}, "score": {}, "retrain": {}}
    for seed, (accuracy, loss) in enumerate(zip(accuracies, losses, strict=True)):
        name = f"ssnas-digits-s{seed}"
        plan["search"][name] = {"data": "digits", "seed": seed}
        plan["score"][name] = {
            "select": "ssnas-digits", "search": name, "data": "digits", "network": "cells",
            "recipe": "score", "seed": seed,
        }  # fmt: skip
        plan["retrain"][f"r{seed}"] = {
            "data": "digits", "architecture": f"search/{name}", "network": "cells",
            "recipe": "retrain", "seed": 0,
        }  # fmt: skip
        write_genotype(folder / "search" / name / "genotype.json", random_genotype(seed))
        for path, content in (
            (f"score/ssnas-digits/{name}", {"contrastive_loss": loss}),
            (f"retrain/r{seed}", {"test_accuracy": accuracy}),
        ):
            (folder / path).mkdir(parents=True)
            (folder / path / "metrics.json").write_text(json.dumps(content))
    return Evidence(folder, plan)


@pytest.mark.parametrize(
    ("accuracies", "verdict"),
    [
        ([0.9, 0.8, 0.7, 0.6, 0.5, 0.4], "contrastive loss predicts test accuracy"),
        ([0.4, 0.5, 0.6, 0.7, 0.8, 0.9], "the wrong way round: Kendall's tau is -1.00"),
        ([0.6, 0.4, 0.9, 0.5, 0.7, 0.6], "do not show whether"),
        ([0.9, 0.8], "cannot tell whether"),
        ([0.5, 0.5], "all architectures do equally well"),
    ],
)
def test_the_answer_follows_from_the_data(tmp_path, accuracies, verdict):
    losses = [1.0 + number / 10 for number in range(len(accuracies))]
    (asked,) = questions(project(tmp_path, accuracies, losses))
    said = answer(asked)
    assert verdict in said.text
    assert f"{len(accuracies)} architectures" in said.text
    (panel,) = prediction_panels(asked)
    assert panel.title == "digits · cells, retrain"
    assert panel.svg.count("<circle") == len(accuracies)


def test_architectures_of_other_data_or_settings_are_not_compared(tmp_path):
    evidence = project(tmp_path, [0.5, 0.6, 0.7], [1.0, 2.0, 3.0])
    evidence.plan["retrain"]["r2"]["recipe"] = "other"
    (asked,) = questions(evidence)
    assert {name: len(points) for name, points in asked.strata.items()} == {
        "digits · cells, retrain": 2
    }
    evidence.plan["retrain"]["r1"]["data"] = "shapes"  # scored on digits, trained on shapes
    assert questions(Evidence(tmp_path, evidence.plan)) == []


def test_seeds_of_a_result_are_one_point(tmp_path):
    evidence = project(tmp_path, [0.5, 0.7], [1.0, 2.0])
    evidence.plan["retrain"]["again"] = {**evidence.plan["retrain"]["r0"], "seed": 1}
    (tmp_path / "retrain/again").mkdir()
    (tmp_path / "retrain/again/metrics.json").write_text('{"test_accuracy": 0.6}')
    (asked,) = questions(Evidence(tmp_path, evidence.plan))
    points = asked.strata["digits · cells, retrain"]
    assert [point.results for point in points] == [(0.5, 0.6), (0.7,)]
    assert points[0].mean == pytest.approx(0.55)
    assert points[1].std is None


def test_a_seed_that_two_selections_share_counts_once(tmp_path):
    evidence = project(tmp_path, [0.5, 0.7], [1.0, 2.0])
    evidence.plan["retrain"]["same"] = dict(evidence.plan["retrain"]["r0"])
    (tmp_path / "retrain/same").mkdir()
    (tmp_path / "retrain/same/metrics.json").write_text('{"test_accuracy": 0.5}')
    (asked,) = questions(Evidence(tmp_path, evidence.plan))
    assert asked.strata["digits · cells, retrain"][0].results == (0.5,)


def test_without_results_there_is_no_question():
    assert questions(Evidence(Path("nowhere"), {})) == []
