"""Every equation of FaUNAE's evolution against a table made by hand."""

from __future__ import annotations

import math
import random

import pytest

from nassl.settings.strategies.evolution import total_epochs
from stages.search.evolution_rules import (
    Population,
    annealed,
    elimination_weight,
    evolution_probabilities,
    mutation_probabilities,
    size_probabilities,
    updated_loss,
)

close = pytest.approx


def population(sizes=None, initial=("a",), **changes):
    given = {
        "elimination_epochs": 3,
        "mutation_weight": 0.9,
        "loss_decay": 0.3,
        "depth_mutation": 0.0,
    }
    sizes = sizes or [{"a": 0.1, "b": 0.1, "c": 0.1}] * len(initial)
    return Population(sizes, initial, **(given | changes))


def sample(found: Population, choice, loss):
    """Observes `loss` on `choice`, whatever would have been drawn."""
    found.sampled = list(choice)
    return found.observe(loss)


def test_eq_1_by_hand():
    # sa = 6, 3, 1; the second is current; eps = 0.5: 0.25 * (1 - 0.6), 1 - 0.5, 0.25 * (1 - 0.1)
    assert mutation_probabilities([6, 3, 1], 1, 0.5) == close([0.1, 0.5, 0.225])
    assert mutation_probabilities([0, 0, 0], 0, 0.3) == close([0.7, 0.15, 0.15])
    assert mutation_probabilities([4], 0, 0.5) == [1.0]


def test_eq_2_by_hand():
    # exp(0) = 1, exp(log 3) = 3
    assert size_probabilities([0.0, math.log(3)]) == close([-0.25, -0.75])
    assert size_probabilities([1000.0, 1000.0]) == close([-0.5, -0.5])


def test_eq_3_by_hand_clipped_and_normalised():
    # 0.9 * [0.1, 0.5, 0.225] + 0.1 * [-0.2, -0.2, -0.6] = [0.07, 0.43, 0.1425]; sum 0.6425
    sizes = [0.0, 0.0, math.log(3)]
    expected = [0.07 / 0.6425, 0.43 / 0.6425, 0.1425 / 0.6425]
    assert evolution_probabilities([6, 3, 1], 1, sizes, 0.5, 0.9) == close(expected)
    # 0.5 * [0.04, 0.9, 0.05] + 0.5 * [-0.2, -0.2, -0.6]: only the second is positive
    clipped = evolution_probabilities([6, 3, 1], 1, sizes, 0.1, 0.5)
    assert clipped == [0.0, 1.0, 0.0]
    assert evolution_probabilities([1, 1], 0, [0.0, 0.0], 0.5, 0.0) == [1.0, 0.0]


def test_eq_4_by_hand():
    assert updated_loss(2.0, 1.0, 0.3) == close(0.3 * 2.0 + 0.7 * 1.0)
    assert updated_loss(None, 1.5, 0.3) == 1.5


def test_eq_9_by_hand():
    assert elimination_weight(3.0, 10, 4) == close(3.0 - math.sqrt(2 * math.log(10) / 4))
    assert elimination_weight(None, 10, 0) == -math.inf
    assert elimination_weight(3.0, 1, 1) == 3.0


def test_eqs_4_and_5_over_a_few_evolutions():
    found = population()
    assert sample(found, ["a"], 2.0) == []
    [refused] = sample(found, ["b"], 2.5)
    assert refused == {"place": 0, "from": "a", "to": "b", "accepted": False}
    assert found.base == ["a"]
    [equal] = sample(found, ["c"], 2.0)  # not lower: back to the former
    assert not equal["accepted"]
    [taken] = sample(found, ["b"], 1.0)  # 0.3 * 2.5 + 0.7 * 1.0 = 1.45 < 2.0
    assert taken["accepted"]
    assert found.base == ["b"]
    assert found.places[0].losses == close([2.0, 1.45, 2.0])
    assert found.places[0].counts == [1, 2, 1]
    assert found.samplings == 4


def test_eq_10_drops_the_largest_weight():
    found = population()
    for choice, loss in (("a", 1.0), ("b", 1.5), ("c", 1.2), ("a", 1.0)):
        sample(found, [choice], loss)
    # N = 4: a 1.0 - 1.177, b 1.5 - 1.665, c 1.2 - 1.665
    for _ in range(8):
        assert found.end_epoch() == []
    assert found.end_epoch() == [{"place": 0, "operation": "b"}]
    assert found.places[0].operations == ["a", "c"]
    assert found.base == ["a"]


def test_a_dropped_current_operation_is_followed_by_the_one_of_lowest_loss():
    found = population(elimination_epochs=1)
    sample(found, ["c"], 1.3)
    sample(found, ["b"], 1.4)
    for _ in range(12):
        sample(found, ["a"], 1.25)  # often and hardly better: the exploration term is small
    found.places[0].current = "a"
    dropped = [found.end_epoch() for _ in range(3)][-1]
    assert dropped == [{"place": 0, "operation": "a"}]
    assert found.base == ["c"]


def test_never_drops_what_was_never_tried():
    for seed in range(20):
        draw = random.Random(seed)
        operations = "abcdefg"
        found = population([dict.fromkeys(operations, 0.1)] * 4, ["a"] * 4, elimination_epochs=1)
        for epoch in range(total_epochs(7, 1)):
            found.mutate(draw, 0.2)
            found.observe(draw.random())
            tried = [
                {o for o, n in zip(p.operations, p.counts, strict=True) if n} for p in found.places
            ]
            for drop in found.end_epoch():
                assert drop["operation"] in tried[drop["place"]], (seed, epoch)


def test_number_of_epochs_is_the_papers_sum():
    assert total_epochs(7, 3) == 3 * (7 + 6 + 5 + 4 + 3 + 2) == 81
    assert total_epochs(8, 3) == 105
    assert total_epochs(2, 1) == 2


def test_one_operation_per_block_every_k_times_e_epochs():
    """K = 7, E = 3; one block has six candidates and is through a round earlier."""
    seven = dict.fromkeys("abcdefg", 0.1)
    six = dict.fromkeys("abcdef", 0.1)
    found = population([seven, six, seven], ["a", "a", "b"])
    draw, dropping = random.Random(0), {}
    for epoch in range(1, total_epochs(7, 3) + 1):
        found.mutate(draw, 0.5)
        found.observe(1 + draw.random())
        if dropped := found.end_epoch():
            dropping[epoch] = [drop["place"] for drop in dropped]
    assert dropping == {
        21: [0, 1, 2],
        39: [0, 1, 2],
        54: [0, 1, 2],
        66: [0, 1, 2],
        75: [0, 1, 2],
        81: [0, 2],
    }
    assert [len(place.operations) for place in found.places] == [1, 1, 1]
    assert found.base == [place.operations[0] for place in found.places]


def test_operations_are_drawn_as_often_as_eq_3_says():
    found = population([{"a": 0.0, "b": 0.0, "c": math.log(3)}], ["b"])
    found.places[0].counts = [6, 3, 1]
    draw = random.Random(0)
    drawn = [found.mutate(draw, 0.5)[0] for _ in range(20000)]
    shares = [drawn.count(o) / len(drawn) for o in "abc"]
    assert shares == close([0.07 / 0.6425, 0.43 / 0.6425, 0.1425 / 0.6425], abs=0.01)


def test_depth_mutation_sets_one_block_that_can_be_skipped_to_identity():
    sizes = [{"a": 0.1}, {"a": 0.1, "identity": 0.0}, {"a": 0.1, "identity": 0.0}]
    found = population(sizes, ["a"] * 3, depth_mutation=1.0)
    draws = {tuple(found.mutate(random.Random(seed), 0.0)) for seed in range(30)}
    assert draws == {("a", "identity", "a"), ("a", "a", "identity")}
    still = population(sizes, ["a"] * 3)
    assert still.mutate(random.Random(0), 0.0) == ["a"] * 3


def test_epsilon_falls_linearly():
    assert [annealed(0.5, 0.1, n, 5) for n in range(5)] == close([0.5, 0.4, 0.3, 0.2, 0.1])
    assert annealed(0.5, 0.1, 0, 1) == 0.5


def test_state_continues_where_it_was():
    def steps(found, draw, count):
        for _ in range(count):
            found.mutate(draw, 0.5)
            found.observe(draw.random())
            found.end_epoch()

    whole, half = population(initial=("a", "b")), population(initial=("a", "b"))
    draw = random.Random(0)
    steps(whole, draw, 7)
    half.load_state_dict(whole.state_dict())
    other = random.Random()
    other.setstate(draw.getstate())
    steps(whole, draw, 8)
    steps(half, other, 8)
    assert half.state_dict() == whole.state_dict()
