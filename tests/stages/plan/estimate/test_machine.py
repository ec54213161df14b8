"""Hours and memory of a plan on a machine."""

from __future__ import annotations

import pytest
import torch
from PIL import Image

from stages.plan.__main__ import plan
from stages.plan.estimate import machine as module
from stages.plan.estimate.machine import cpu, one_gpu, this_machine
from stages.plan.estimate.rates import DECODING, Rates
from stages.plan.estimate.run import run_work
from stages.plan.lineage import runs_of
from stages.runs.run import resolve_run

RATES = Rates(1e10, 1e10, 1e-5)
ROW = "only=['ssnas.table1/SSNAS (first order)']"


@pytest.fixture(scope="module")
def params():
    return plan(["scale=smoke", ROW])


def test_jobs_run_side_by_side(params):
    one, two = (cpu(cores, 1, 8e9, RATES) for cores in (1, 2))
    assert (one.name, one.at_once, two.name, two.at_once) == ("1 CPU core", 1, "2 CPU cores", 2)
    assert cpu(8, 3, 8e9, RATES).at_once == 2
    assert cpu(2, 4, 8e9, RATES).at_once == 1
    alone = one.hours(params)
    starts = len(runs_of(params)) * (module.START_SECONDS + module.SETUP_SECONDS)
    work = sum(RATES.seconds(run_work(run, params)) for run in runs_of(params))
    assert 3600 * alone == pytest.approx(starts + work)
    assert 0.5 * alone <= two.hours(params) < alone


def test_a_slower_machine_takes_longer(params):
    slower = cpu(1, 1, 8e9, Rates(1e9, 1e9, 1e-4))
    assert slower.hours(params) > cpu(1, 1, 8e9, RATES).hours(params)


def test_memory_goes_with_the_batch(params):
    half = {**params, "recipe": {n: dict(r) for n, r in params["recipe"].items()}}
    for recipe in half["recipe"].values():
        recipe["batch_size"] //= 2
    machine = cpu(2, 1, 8e9, RATES)
    assert machine.over(half) == pytest.approx(machine.over(params) / 2, rel=0.02)
    small = cpu(2, 1, module.PROCESS + 1e8, RATES)
    assert small.over(params) == pytest.approx(machine.over(params) * (8e9 - module.PROCESS) / 1e8)


def test_this_machine_is_its_cpu_or_its_gpus(params, monkeypatch):
    monkeypatch.setattr(module, "measured_rates", lambda threads: RATES)
    monkeypatch.setattr(module, "decoding_threads", lambda: 6)
    found = this_machine(params, "A100")
    assert (found.name, found.at_once) == ("6 CPU cores", 6)
    assert "1 thread, measured: 10 GFLOP/s, 10 GB/s, 10 us a call" in found.speed
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert this_machine(params, "A100").name == "6 CPU cores"  # the plan gives no run a GPU
    resources = {stage: {**asked, "gpus": 1} for stage, asked in params["resources"].items()}
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "NVIDIA H100 80GB HBM3")
    card = type("Card", (), {"total_memory": 80e9})
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda number: card)
    found = this_machine({**params, "resources": resources}, "A100")
    assert (found.name, found.at_once, found.memory) == ("2 NVIDIA H100 80GB HBM3", 2, 64e9)
    assert found.speed == one_gpu("H100").speed
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "NVIDIA T4")
    found = this_machine({**params, "resources": resources}, "V100")
    assert (found.name, found.speed) == ("2 NVIDIA T4, taken for V100", one_gpu("V100").speed)


def test_images_that_stay_in_files_are_decoded_again_and_again(params, tmp_path, monkeypatch):
    for number in range(4):
        Image.new("RGB", (50, 40), (number, 0, 0)).save(tmp_path / f"{number}.png")
    folder = {"kind": "folder", "image_size": 16, "root": str(tmp_path)}
    own = {**params, "data": {"digits": folder}}
    prepare, search = (
        resolve_run(stage, name, own, "the plan")
        for stage, name in (("prepare", "digits"), ("search", "ssnas-digits-s0"))
    )
    assert run_work(prepare, own).decoded == 4 * 2000
    assert one_gpu("A100").seconds(prepare, own, run_work(prepare, own)) == 4 * 2000 / DECODING
    assert run_work(search, own).decoded == 0  # packed
    monkeypatch.setattr("nassl.settings.datasets.folders.PACK_LIMIT", 0)
    # one epoch of 2 images for the weights, 2 for alpha, and 2 held out that are judged
    assert run_work(search, own).decoded == 6 * 2000
    assert RATES.seconds(run_work(search, own)) > 6 * 2000 / DECODING
    drawn = resolve_run("prepare", "digits", params, "the plan")
    assert run_work(drawn, params).decoded == 0  # not in files
