"""Randomness as a function of the place, threads from the plan."""

from __future__ import annotations

import itertools

import torch

from stages.core.lines import Resources
from stages.core.run import Run
from stages.core.training.device import device_name, prepare_device, seed_step


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
