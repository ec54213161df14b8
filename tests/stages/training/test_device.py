"""Randomness as a function of the place, threads from the plan."""

from __future__ import annotations

import itertools

import pytest
import torch

from nassl.files import InputError
from nassl.training.device import device_name
from nassl.training.seeds import seed_step
from stages.runs.lines import Resources
from stages.runs.run import Run
from stages.training.device import prepare_device


def draw(*place):
    seed_step(*place)
    return torch.rand(4).tolist()


def test_every_place_draws_its_own_numbers_and_always_the_same():
    places = list(itertools.product(range(3), range(3), range(3), ("weights", "alpha")))
    drawn = [draw(*place) for place in places]
    assert len({tuple(numbers) for numbers in drawn}) == len(places)
    assert [draw(*place) for place in reversed(places)] == drawn[::-1]


def test_the_plan_gives_threads_and_device():
    before = torch.get_num_threads()
    try:
        run = Run("score", "x", None, {}, Resources(1, 1, 0, 0, 1), ())
        assert prepare_device(run) == torch.device("cpu")
        assert torch.get_num_threads() == 1
        assert torch.are_deterministic_algorithms_enabled()
        assert device_name(torch.device("cpu")) == "cpu"
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize(
    ("cuda", "build"), [(None, r"\(a CPU build\)"), ("13.0", r"\(built for CUDA 13\.0\)")]
)
def test_gpus_that_torch_does_not_see_do_not_lead_to_training_on_the_cpu(monkeypatch, cuda, build):
    run = Run("pretrain", "x", None, {}, Resources(1, 1, 2, 0, 1), ())
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.version, "cuda", cuda)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-1a,GPU-1b")
    expected = (
        r"gives pretrain 2 GPUs and this run has GPU-1a, GPU-1b, but torch \S+ " + build + " sees "
        r"none; .*`nvidia-smi`.*resources\.pretrain\.gpus=0"
    )
    with pytest.raises(InputError, match=expected):
        prepare_device(run)


@pytest.mark.parametrize("hidden", ["", "-1", " -1 ,0"])
def test_without_gpus_here_the_cpu_computes(monkeypatch, hidden):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", hidden)
    run = Run("pretrain", "x", None, {}, Resources(1, 1, 2, 0, 1), ())
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert prepare_device(run) == torch.device("cpu")
