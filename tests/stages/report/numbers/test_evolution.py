"""Genealogies of evolutions: what is read, counted and drawn of them."""

from __future__ import annotations

import json

import pytest

from nassl.files import InputError
from stages.report.figures.evolution import evolution_figure
from stages.report.numbers.evolution import Epoch, Mutation, evolutions


def test_a_rejected_mutation_leaves_the_former_operation():
    mutations = (Mutation(0, "a", "x", accepted=False), Mutation(2, "c", "z", accepted=True))
    assert Epoch(1, ("x", "y", "z"), mutations, dropped=False).former == ["a", "y", "z"]


def test_the_genealogy_counts_and_draws_what_happened(evidence):
    (found,) = evolutions(evidence)
    assert (len(found.mutations), found.accepted) == (2, 1)
    assert (found.places, len(found.epochs), found.changed) == (2, 2, 2)
    # place 1: a, then c; place 2: b throughout, a was tried in epoch 2; one elimination
    figure = evolution_figure(found)
    assert figure.svg.count("<rect") == 3
    assert figure.svg.count('class="tried') == 1
    assert figure.svg.count('class="cut"') == 1
    assert figure.legend.count("<li>") == 3


MUTATION = {"place": 2, "from": "a", "to": "b", "accepted": False}
EPOCH = {"epoch": 1, "choice": ["a", "b"], "mutations": [], "dropped": []}


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"epochs": [{"epoch": 1}]},
        {"epochs": []},
        {"epochs": [EPOCH, EPOCH | {"choice": ["a"]}]},
        {"epochs": [EPOCH | {"mutations": [MUTATION]}]},
    ],
)
def test_a_file_that_is_not_a_genealogy_is_named(evidence, content):
    file = evidence.results / "search/faunae-digits-s0/genealogy.json"
    file.write_text(json.dumps(content))
    with pytest.raises(InputError, match=r"genealogy.json is not a genealogy of an .*repro"):
        evolutions(evidence)
