"""Rates of GPUs: from the literature, or from what `make gpu` measured."""

from __future__ import annotations

import json

import pytest

from nassl.settings import FixedSpace, Network
from stages.plan.estimate import gpu_rates as module
from stages.plan.estimate.gpu_rates import CALL, LARGE, SHEETS, STEPS, describe, gpu_rates, shares
from stages.plan.estimate.work import network_work, views_work

IMAGES = 1_281_167


def test_mocos_authors_hours_are_what_is_estimated_for_them():
    """ResNet-50, 200 epochs of ImageNet in batches of 256: 53 hours on 8 V100s."""
    network = network_work(FixedSpace("resnet", 50), Network("imagenet", 64), 256, 224)
    steps = 200 * IMAGES / 256
    work = (network.forward * 4 + network.update + views_work(module.MOCO, 512, 256)) * steps
    hours = gpu_rates("V100", "resnet", results=module.Path("none")).seconds(work) / 3600
    assert hours == pytest.approx(8 * 53, rel=0.05)


def results(folder, card, *rows):
    file = folder / "results-cuda.json"
    file.write_text(json.dumps({"machine": {"card": card}, "rows": list(rows)}))
    return file


def test_measured_rows_take_the_place_of_the_literature(tmp_path):
    """What is estimated with the share that was measured takes what it took."""
    rows = [
        {"row": "search_iteration", "how": "graph", "precision": "float32", "seconds": 0.05},
        {"row": "search_iteration", "how": "graph", "precision": "bfloat16", "seconds": 0.02},
        {"row": "search_iteration", "how": "literal", "precision": "float32", "seconds": 0.5},
        {"row": "moco_step", "not measured": "no time was left"},
    ]
    file = results(tmp_path, "NVIDIA H100 80GB HBM3", *rows)
    assert set(shares(file)) == {("supernet", "float32"), ("supernet", "bfloat16")}
    work = STEPS["search_iteration"][1]()
    for precision, seconds in (("float32", 0.05), ("bfloat16", 0.02)):
        rates = gpu_rates("H100", "supernet", precision, file)
        assert rates.seconds(work) - CALL * work.calls == pytest.approx(seconds)
    # Not measured: as before. Another card: the same shares of its own data sheet.
    assert gpu_rates("H100", "resnet", results=file).flops == 67e12 * LARGE
    ratio = gpu_rates("A100", "supernet", results=file).flops / rates.flops
    assert ratio == pytest.approx(SHEETS["A100"][0] / SHEETS["H100"][0] * 0.02 / 0.05)
    assert "measured (benchmarks/results-cuda.json)" in describe("H100", file)


def test_rows_of_an_unknown_card_are_left_out(tmp_path):
    row = {"row": "search_iteration", "how": "graph", "precision": "float32", "seconds": 0.05}
    assert shares(results(tmp_path, "Some Other Card", row)) == {}
    assert "from MoCo's 53 hours" in describe("A100", tmp_path / "none")
