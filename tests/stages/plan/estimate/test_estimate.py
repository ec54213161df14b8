"""The estimate counts what a plan will compute, before anything runs."""

from __future__ import annotations

import itertools
import json
import re
from statistics import mean

import pytest
import torch
from torch import nn

from nassl.files import InputError
from nassl.genotypes.block import candidates, from_choice
from nassl.genotypes.resnet import ResNetGenotype
from nassl.networks.build import build_network
from nassl.networks.size import flops, parameters
from nassl.settings import BlockSpace, CellSpace, Network, SettingsError, Views
from nassl.supernets.cell import Supernet
from stages.plan.__main__ import main
from stages.plan.datasets import Size
from stages.plan.estimate import machine
from stages.plan.estimate import table as module
from stages.plan.estimate.phases import phases
from stages.plan.estimate.rates import Rates
from stages.plan.estimate.run import SMALL_FILES, run_bytes, run_work
from stages.plan.estimate.table import check, estimate
from stages.plan.estimate.work import (
    UPDATE_PASSES,
    Work,
    count_network,
    counted,
    supernet_work,
    views_work,
)
from stages.runs.run import resolve_run
from tests.plans import composed

DIGITS = Size(256, 64, 0, 10)


@pytest.fixture(scope="module")
def smoke():
    return composed("scale=smoke")


def run_of(params, stage, name):
    return resolve_run(stage, name, params, "plan")


def passes(params, stage, name):
    return sum(phase.passes for phase in phases(run_of(params, stage, name), DIGITS))


def resnet():
    return build_network(ResNetGenotype(18), Network("cifar", 8, 0), 16)


def test_pretraining_counts_two_views_forward_and_backward(smoke):
    name = "resnet18-digits-b64-s0"
    assert passes(smoke, "pretrain", name) == 256 * 1 * 6  # backward counted as two passes
    (phase,) = phases(run_of(smoke, "pretrain", name), DIGITS)
    assert (phase.batch, phase.steps) == (128, 4)  # both views of 64 images at once


def test_search_counts_alpha_and_weight_steps(smoke):
    half = 128
    # Per pair of images, one of each half: weights 6 passes, alpha 4; then the validation, 2.
    assert passes(smoke, "search", "ssnas-digits-s0") == half * (6 + 4) + half * 2
    assert phases(run_of(smoke, "search", "random-digits-s0"), DIGITS) == []
    assert run_work(run_of(smoke, "search", "random-digits-s0"), smoke) == Work()


def test_linear_evaluation_computes_fixed_features_once(smoke):
    frozen = 2 * (256 + 64)  # pretrained and random weights
    tuned = 3 * 0.1 * 256 + 64
    found = passes(smoke, "probe", "resnet18-digits-b64-s0")
    assert found == pytest.approx(frozen + tuned)


@pytest.mark.parametrize(
    ("stage", "name", "network"),
    [
        ("pretrain", "resnet18-digits-b64-s0", resnet()),
        ("search", "ssnas-digits-s0", Supernet(CellSpace("cell", 4, 3, "cifar"))),
    ],
)
def test_work_of_a_run_is_that_of_its_passes_and_views(smoke, stage, name, network):
    run = run_of(smoke, stage, name)
    (phase,) = phases(run, DIGITS)
    views = views_work(phase.views, phase.views_batch, 16) * (phase.viewed / phase.views_batch)
    expected = 2 * flops(network, 16) * phase.passes + views.flops
    assert run_work(run, smoke).flops == pytest.approx(expected)


def test_counted_by_hand():
    layer = nn.Conv2d(3, 8, 3, padding=1, bias=False)
    counted = count_network(layer, batch=4, side=16)
    maps = 4 * 16 * 16
    assert counted.forward.flops == 2 * maps * 3 * 8 * 9
    assert counted.forward.calls == 1
    assert counted.forward.bytes == 4 * (maps * 3 + 3 * 8 * 9 + maps * 8)
    assert counted.params == 3 * 8 * 9


def test_batch_norm_counts_the_same_without_memory():
    layers = nn.Sequential(nn.Conv2d(3, 8, 3, bias=False), nn.BatchNorm2d(8)).train()
    images = torch.zeros(4, 3, 16, 16)
    done = counted(lambda: layers(images))
    assert done.calls == 4  # convolution, batches seen, an empty reserve, batch norm
    assert count_network(layers, batch=4, side=16).forward == done


def test_a_sampled_search_network_costs_what_its_sub_networks_cost_on_average():
    space = BlockSpace("block", 4, [1, 1], "cifar")
    chains = [
        build_network(from_choice((1, 1), choice), Network("cifar", 4), 16)
        for choice in itertools.product(*candidates((1, 1)))
    ]
    assert len(chains) == 36
    found = supernet_work(space, batch=2, side=16)
    assert found.forward.flops == pytest.approx(2 * 2 * mean(flops(chain, 16) for chain in chains))
    moved = mean(parameters(chain) for chain in chains)
    assert found.update.bytes == pytest.approx(4 * UPDATE_PASSES * moved)
    assert found.params > max(parameters(chain) for chain in chains)


def test_the_papers_own_plan_is_counted(monkeypatch):
    monkeypatch.setattr(machine, "measured_rates", lambda _: Rates(1e10, 1e10, 1e-5))
    params = composed("scale=paper", "paper=[faunae]")
    (line,) = re.findall(r"^pretrain .*", estimate(params, "A100"), re.MULTILINE)
    # 200 epochs of ImageNet, 4 passes of ResNet-50's 4.09 G multiply-adds; views come on top
    moco = run_work(run_of(params, "pretrain", "resnet50-imagenet-moco-v2-s0"), params)
    assert moco.flops == pytest.approx(200 * 1_281_167 * 4 * 2 * 4.09e9, rel=0.02)
    assert float(line.split()[2].replace(",", "")) > 8 * moco.flops / 1e12


def test_views_are_counted_per_image_and_cost_what_they_do():
    plain, blurred = Views("none"), Views("resized", [0.5, 1.0], [0.75, 1.33], blur=1.0)
    few, many = (views_work(blurred, batch, 16) for batch in (3, 30))
    assert many.bytes == 10 * few.bytes
    assert many.calls == few.calls > views_work(plain, 2, 16).calls


def test_seconds_are_arithmetic_and_traffic_and_calls():
    rates = Rates(flops=10.0, bytes=100.0, call=0.5)
    assert rates.seconds(Work(flops=20.0, bytes=300.0, calls=4.0)) == 2 + 3 + 2


def test_disk_is_images_and_kept_weights(smoke):
    images = run_bytes(run_of(smoke, "prepare", "digits"), smoke)
    assert images == pytest.approx((256 + 64) * 16 * 16 * 3 + SMALL_FILES)
    weights = run_bytes(run_of(smoke, "pretrain", "resnet18-digits-b64-s0"), smoke)
    assert weights == 4 * parameters(resnet()) + SMALL_FILES
    paper = composed("scale=paper", "paper=[faunae]")
    indexed = run_bytes(run_of(paper, "prepare", "imagenet"), paper)
    assert indexed == SMALL_FILES  # ImageNet is never copied


def test_table_names_runs_hours_disk_and_both_devices(smoke):
    text = estimate(smoke, "V100")
    for stage in ("prepare", "search", "score", "select", "retrain", "pretrain", "probe"):
        assert f"\n{stage} " in f"\n{text}"
    assert "V100-hours" in text
    assert "disk, GB" in text
    assert "TFLOP/s" in text
    counts = [line.split()[1] for line in text.splitlines() if line.startswith("search")]
    assert counts == [str(len(smoke["search"]))]


@pytest.fixture
def measured(smoke, tmp_path, monkeypatch):
    """`measured(factor)`: results in which every run took `factor` times its estimate."""
    rates = Rates(1e10, 1e10, 1e-5)
    monkeypatch.setattr(machine, "measured_rates", lambda _: rates)

    def write(factor):
        for stage in module.CHECKED:
            for name in smoke[stage]:
                run = run_of(smoke, stage, name)
                place = tmp_path / stage / (run.line.select if stage == "score" else "") / name
                place.mkdir(parents=True, exist_ok=True)
                seconds = module.SETUP_SECONDS + rates.seconds(run_work(run, smoke))
                (place / "cost.json").write_text(json.dumps({"seconds": factor * seconds}))
        return tmp_path

    return write


def test_check_compares_estimated_with_measured_seconds(smoke, measured):
    text = check(smoke, measured(1.61))
    assert [line.split()[-1] for line in text.splitlines()[2:7]] == ["0.62"] * 5
    counts = {line.split()[0]: int(line.split()[1]) for line in text.splitlines()[2:7]}
    trained = [n for n in smoke["search"] if run_work(run_of(smoke, "search", n), smoke).flops]
    assert counts["search"] == len(trained) < len(smoke["search"])  # random cells train nothing
    with pytest.raises(InputError, match=re.escape("off by more than a factor 2: search, score, ")):
        check(smoke, measured(2.2))
    with pytest.raises(InputError, match="off by more than a factor 2"):
        check(smoke, measured(0.4))


def test_check_without_finished_runs_is_refused(tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(["scale=smoke", "--check", str(tmp_path)])
    assert "has no finished run of the plan; run it first" in capsys.readouterr().err


def test_unknown_gpu_and_uncounted_folder_are_refused(smoke):
    with pytest.raises(SettingsError, match="--gpu is 'T1000'; available: V100, A100"):
        estimate(smoke, "T1000")
    folder = {"kind": "folder", "image_size": 16, "root": "somewhere"}
    params = {**smoke, "data": {"digits": folder}}
    with pytest.raises(SettingsError, match="'somewhere' is not on this machine, so its images"):
        run_work(run_of(params, "pretrain", "resnet18-digits-b64-s0"), params)
