"""The papers' claims: numbers by hand, and verdicts that follow the interval."""

from __future__ import annotations

import json
import math

import pytest
import yaml

from stages.report.claims import claims
from stages.report.claims_faunae import _eliminations, _kernels, _sizes, _starts, _transfer
from stages.report.evidence import Evidence
from stages.report.intervals import of_difference, of_share
from stages.report.verdicts import FAILS, HOLDS, OPEN, judged


def test_a_verdict_is_the_side_on_which_the_interval_lies():
    assert judged((0.1, 0.4), 0.0) == HOLDS
    assert judged((-0.4, -0.1), 0.0) == FAILS
    assert judged((-0.1, 0.4), 0.0) == judged(None, 0.0) == judged((math.nan,) * 2, 0.0) == OPEN


def test_intervals_by_hand():
    # Wilson, 8 of 10, z = 1.959964: (0.8 + 0.192073 -+ 1.959964 sqrt(0.016 + 0.009604)) / 1.384146
    assert of_share(8, 10) == pytest.approx((0.49016, 0.94331), abs=1e-4)
    # Welch of 1, 2, 3 and 2, 4, 6: difference -2, variances 1 / 3 + 4 / 3, 2.94 degrees of freedom
    low, high = of_difference([1.0, 2.0, 3.0], [2.0, 4.0, 6.0])
    assert (low + high) / 2 == pytest.approx(-2)
    assert (high - low) / 2 == pytest.approx(3.2203 * (5 / 3) ** 0.5, abs=0.02)
    assert of_difference([1.0], [2.0, 3.0]) is None


def rows(**accuracies):
    """Rows of FaUNAE's table 2 with a value per seed."""
    return {
        ("faunae.table2", name.replace("_", " "), "MoCo v2"): {
            "seeds": [{"value": value} for value in values]
        }
        for name, values in accuracies.items()
    }


def test_better_starts_end_better_only_if_all_pairs_are_apart_and_in_order():
    names = ("Random", "ResNet-50", "FaUNAE (random)", "FaUNAE (ResNet-50)")

    def found(*values):
        return _starts(rows(**dict(zip(names, values, strict=True))))

    held = found([60.0, 60.2], [67.0, 67.2], [61.0, 61.2], [68.0, 68.2])
    assert (held.verdict, held.number) == (
        HOLDS, "1 of 1 pairs of starts come in the same order",
    )  # fmt: skip
    assert found([60.0, 60.2], [67.0, 67.2], [68.0, 68.2], [61.0, 61.2]).verdict == FAILS
    assert found([60.0], [67.0], [61.0], [68.0]).verdict == OPEN
    assert _starts(rows(Random=[60.0])) is None


def genealogy(final=("conv_3x3",), epochs=(), start=100, end=120):
    return {
        "initial_size": {"parameters": 100, "flops": start},
        "final_size": {"parameters": 125, "flops": end},
        "epochs": list(epochs),
        "final": {
            "space": "block",
            "blocks": [{"stage": 1, "operation": name} for name in final],
        },
    }


def test_kernels_are_counted_against_their_uniform_share():
    many = genealogy(["sa_conv_3x3_r2"] * 40 + ["identity"] * 9)
    found = _kernels([many])
    assert (found.verdict, found.number) == (HOLDS, "3x3 in 100 %, split attention in 100 %")
    assert found.ground.startswith("40 blocks")
    assert _kernels([genealogy(["conv_5x5"] * 40)]).verdict == FAILS
    assert _kernels([genealogy(["conv_3x3", "sa_conv_5x5_r4"])]).verdict == OPEN


def test_flops_are_the_same_within_a_tenth():
    same = [genealogy(end=end) for end in (99, 101, 100)]
    assert _sizes(same).verdict == HOLDS
    assert _sizes([genealogy(end=end) for end in (140, 141, 142)]).verdict == FAILS
    assert _sizes(same[:1]).verdict == OPEN
    assert "parameters times 1.25 (at most 1.25), FLOPs times 1.00" in _sizes(same).number


def test_eliminations_that_hit_the_present_operation():
    def epoch(choice, mutations, dropped):
        return {"choice": choice, "mutations": mutations, "dropped": dropped}

    refused = [{"place": 0, "from": "a", "to": "b", "accepted": False}]
    history = [  # the present operation of place 0 is a: b was tried and refused
        epoch(["b"], refused, [{"place": 0, "operation": "b"}]),
        epoch(["a"], [], [{"place": 0, "operation": "a"}]),
    ]
    found = _eliminations([genealogy(epochs=history)])
    assert found.number == "1 of 2 eliminations hit the present operation"
    assert found.ground == "drawn blindly: 42 %"  # of three, then of two: (1/3 + 1/2) / 2
    assert found.verdict == OPEN
    never = [epoch(["a"], [], [{"place": 0, "operation": "b"}])] * 40
    assert _eliminations([genealogy(epochs=never)]).verdict in (HOLDS, OPEN)
    always = [epoch(["a", "a", "a"], [], [{"place": n, "operation": "a"} for n in range(3)])] * 9
    assert _eliminations([genealogy(epochs=always)]).verdict == FAILS


def test_self_supervised_against_supervised():
    def row(*values):
        return {"seeds": [{"value": {"AP": value}} for value in values]}

    table = {
        ("faunae.table3", "ResNet-50", "supervised"): row(50.0, 50.2),
        ("faunae.table3", "FaUNAE", "MoCo v2"): row(59.0, 59.2),
    }
    assert _transfer(table).verdict == HOLDS
    table["faunae.table3", "ResNet-50", "MoCo v1"] = row(50.1)
    assert _transfer(table).verdict == OPEN
    assert "FaUNAE, MoCo v2: +9.0 AP" in _transfer(table).number


def test_claims_are_on_the_page(full_project, report):
    file = full_project / "results/retrain/darts-digits-s0/metrics.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"train_accuracy": 0.9}))
    plan = yaml.safe_load((full_project / "params.yaml").read_text())
    found = claims([], Evidence(full_project / "results", plan))
    sentences = {claim.sentence[:14]: claim for claim in found}
    assert sentences["DARTS collapse"].number == "1 of 1 DARTS searches, 0 of 2 of SSNAS"
    assert sentences["DARTS collapse"].verdict == OPEN
    assert sentences["All networks r"].number == (
        "training error 10.0 %, gap to the test 5.0 points"
    )
    code, text = report(full_project)
    assert code == 0, text
    page = (full_project / "results/report.html").read_text()
    assert "DARTS collapses to skip connections and SSNAS does not, on digits" in page
    assert "cannot be told</span>" in page


def test_accuracy_over_epochs_is_drawn_with_the_last_and_the_best(full_project, report):
    plan = yaml.safe_load((full_project / "params.yaml").read_text())
    plan["probe"] = {"net-digits-s0": {"data": "digits", "seed": 0}}
    (full_project / "params.yaml").write_text(yaml.safe_dump(plan))
    folder = full_project / "results/probe/net-digits-s0"
    folder.mkdir(parents=True)
    points = [
        {"epoch": 20 * n, "knn_accuracy": value} for n, value in ((1, 0.25), (2, 0.5), (3, 0.375))
    ]
    (folder / "epochs.json").write_text(json.dumps(points))
    code, text = report(full_project)
    assert code == 0, text
    page = (full_project / "results/report.html").read_text()
    assert "net-digits-s0: 37.5 % after epoch 60, at best 50.0 % after epoch 40" in page
