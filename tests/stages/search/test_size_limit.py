"""The size limit of an evolution, alone and in a simulation of the paper's setting."""

from __future__ import annotations

import math
import random

import pytest
import torch

from nassl.genotypes.block import IDENTITY, resnet50
from nassl.genotypes.block_size import chain_parameters, random_as_large_as_resnet50
from nassl.settings import BlockSpace
from nassl.settings.strategies.evolution import total_epochs
from nassl.supernets.block import BlockSupernet
from stages.search.evolution_rules import Population, annealed
from stages.search.size_limit import SizeLimit

DEPTHS = (4, 5, 7, 4)
COSTS = [{"small": 1, "middle": 2, "large": 5}] * 2


def test_limit_is_of_the_whole_sub_network():
    limit = SizeLimit.of(COSTS, shared=10, initial=["middle", "small"], factor=2.0)
    assert limit.most + 10 == 2.0 * 13
    assert limit.cost(["large", "middle"]) == 7


def test_draws_are_repeated_until_one_is_small_enough():
    drawn = iter([["large", "large"], ["large", "middle"], ["small", "large"]])
    limit = SizeLimit(COSTS, 6)
    assert limit.within(lambda: next(drawn), [list(COSTS[0])] * 2, random.Random(0)) == [
        "small", "large",
    ]  # fmt: skip


def test_what_is_never_small_enough_is_made_smaller_place_by_place():
    limit = SizeLimit(COSTS, 7)
    left = [["middle", "large"], ["large", "middle"]]
    found = {
        tuple(limit.within(lambda: ["large", "large"], left, random.Random(s))) for s in range(9)
    }
    assert found == {("middle", "large"), ("large", "middle")}


def test_elimination_keeps_the_smallest_operations_only_as_long_as_it_takes():
    left = [["small", "large"], ["small", "large"], ["small", "large"]]
    costs = [{"small": 1, "large": 5}] * 3
    weights = [[2.0, 1.0], [2.0, 1.9], [0.0, 1.0]]  # eq. 10 alone: small, small, large
    assert SizeLimit(costs, 11).dropped(left, weights) == ["small", "small", "large"]
    # 11 is too much: the second place gives way, where the weights are closest
    assert SizeLimit(costs, 10).dropped(left, weights) == ["small", "large", "large"]
    assert SizeLimit(costs, 3).dropped(left, weights) == ["large"] * 3
    unseen = [[-math.inf, -math.inf], [2.0, 1.9], [1.0, 2.0]]
    assert SizeLimit(costs, 3).dropped(left, unseen) == ["large"] * 3
    assert SizeLimit(costs, 3).dropped([["small"]], [[0.0]]) == [None]


# ------------------------------------------------ the paper's setting, without training ----


@pytest.fixture(scope="module")
def supernet():
    with torch.device("meta"):
        return BlockSupernet(BlockSpace("block", 32, list(DEPTHS), "imagenet"))


def evolved(supernet, initial, seed, factor):
    """Whole evolution, E = 3, of losses that fall from 9 to 7 nats, of which 0.02 is due to each
    operation and 0.05 to chance. Returns the choices of all generations and of the end."""
    draw = random.Random(seed)
    supernet.choice = initial
    costs, shared = supernet.costs(), supernet.shared_parameters()
    limit = SizeLimit.of(costs, shared, initial, factor)
    found = Population(supernet.sizes(), initial, 3, 0.9, 0.3, limit)
    worth = [{name: draw.gauss(0, 0.02) for name in place} for place in costs]
    generations, epochs = [], total_epochs(found.left, 3)
    found.observe(9.2)
    for epoch in range(epochs):
        choice = found.mutate(draw, annealed(0.5, 0.1, epoch, epochs))
        generations.append(choice)
        effect = sum(place[name] for place, name in zip(worth, choice, strict=True))
        found.observe(7 + 2 * math.exp(-epoch / 20) + effect + draw.gauss(0, 0.05))
        found.end_epoch()
    return generations, found.base


def millions(choice):
    """At the final network's width."""
    return chain_parameters(DEPTHS, choice) / 1e6


def test_evolutions_from_resnet50_end_with_20_to_31_million_parameters(supernet):
    initial = resnet50(DEPTHS).choice
    for seed in range(8):
        generations, end = evolved(supernet, initial, seed, 1.3)
        assert max(map(millions, generations)) < 31
        assert 20 < millions(end) < 31
        # what eq. 2 alone comes to: as large as random chains, and nearly no identity
        _, free = evolved(supernet, initial, seed, math.inf)
        assert millions(free) > 31
        assert end.count(IDENTITY) > free.count(IDENTITY)


def test_evolutions_from_a_random_chain_are_held_to_its_own_size(supernet):
    for seed in range(4):
        initial = random_as_large_as_resnet50(DEPTHS, seed).choice
        assert abs(millions(initial) - millions(resnet50(DEPTHS).choice)) < 2.36
        _, end = evolved(supernet, initial, seed, 1.3)
        assert millions(end) < 1.305 * millions(initial)  # the limit is of the search network
