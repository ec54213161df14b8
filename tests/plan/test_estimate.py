"""The estimate counts what a plan will compute, before anything runs."""

from __future__ import annotations

import pytest

from stages.core.networks.build import build_network
from stages.core.networks.size import flops
from stages.core.networks.supernet import Supernet
from stages.core.run import resolve_run
from stages.core.settings import CellSpace, Network, SettingsError
from stages.core.spaces.genotype import ResNetGenotype
from stages.plan.__main__ import plan
from stages.plan.estimate import estimate, run_work


@pytest.fixture(scope="module")
def smoke():
    return plan(["scale=smoke"])


def work(params, stage, name):
    return run_work(resolve_run(stage, name, params, "plan"), params)


def test_pretraining_counts_two_views_forward_and_backward(smoke):
    network = build_network(ResNetGenotype(18), Network("cifar", 8, 0), 16)
    images, epochs, passes = 256, 1, 6  # two views, backward counted as two forward passes
    expected = 2 * images * epochs * passes * flops(network, 16)
    assert work(smoke, "pretrain", "resnet18-digits-b64-s0") == pytest.approx(expected)


def test_search_counts_alpha_and_weight_steps(smoke):
    network = Supernet(CellSpace("cell", 4, 3, "cifar"))
    half = 128
    # Per pair of images, one of each half: weights 6 passes, alpha 4; then the validation, 2.
    expected = 2 * flops(network, 16) * (half * (6 + 4) + half * 2)
    assert work(smoke, "search", "ssnas-digits-s0") == pytest.approx(expected)
    assert work(smoke, "search", "random-digits-s0") == 0


def test_linear_evaluation_computes_fixed_features_once(smoke):
    network = build_network(ResNetGenotype(18), Network("cifar", 8, 0), 16)
    frozen = 2 * (256 + 64)  # pretrained and random weights
    tuned = 3 * 0.1 * 256 + 64
    expected = 2 * flops(network, 16) * (frozen + tuned)
    assert work(smoke, "probe", "resnet18-digits-b64-s0") == pytest.approx(expected)


def test_table_names_runs_hours_and_both_devices(smoke):
    text = estimate(smoke, "V100")
    for stage in ("prepare", "search", "score", "select", "retrain", "pretrain", "probe"):
        assert f"\n{stage} " in f"\n{text}"
    assert "V100-hours" in text
    assert "TFLOP/s" in text
    assert [line.split()[1] for line in text.splitlines() if line.startswith("search")] == ["5"]


def test_unknown_gpu_and_uncounted_folder_are_refused(smoke):
    with pytest.raises(SettingsError, match="--gpu is 'T1000'; there are: V100, A100"):
        estimate(smoke, "T1000")
    folder = {"kind": "folder", "image_size": 16, "root": "somewhere"}
    params = {**smoke, "data": {"digits": folder}}
    with pytest.raises(SettingsError, match="a folder's images are counted when it is prepared"):
        work(params, "pretrain", "resnet18-digits-b64-s0")
