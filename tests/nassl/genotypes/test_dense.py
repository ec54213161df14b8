from __future__ import annotations

import pytest

from nassl.files import InputError
from nassl.genotypes import dense, read_genotype, validate, write_genotype
from nassl.genotypes.cell import random_genotype


def test_fourteen_edges_of_eight_operations_in_two_cells():
    assert len(dense.EDGES) == 14
    assert dense.EDGES[:5] == ((0, 0), (0, 1), (1, 0), (1, 1), (1, 2))
    assert [len(allowed) for allowed in dense.candidates()] == [8] * 28


def test_file_holds_the_genotype_as_it_was(tmp_path):
    for seed in range(20):
        genotype = dense.random_dense(seed)
        write_genotype(tmp_path / "genotype.json", genotype)
        assert read_genotype(tmp_path / "genotype.json") == genotype
        assert dense.from_choice(genotype.choice) == genotype
    assert dense.random_dense(1) != dense.random_dense(2)


def _changed(node, content):
    whole = dense.random_dense(0).to_json()
    whole["reduce"][node] = content
    return whole


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ({"space": "dense", "normal": []}, r"g.json has the keys \['normal', 'space'\]"),
        ({"space": "dense", "normal": [], "reduce": []}, r"normal is \[\]; a list of 4 nodes"),
        (_changed(0, 7), r"reduce node 2 is 7; a list of \[operation, predecessor\]"),
        (_changed(0, [["none", 0]]), r"reduce node 2 has edges from \[0\]; .* each of \[0, 1\]"),
        (
            _changed(1, [["none", 0], ["none", 2], ["none", 1]]),
            r"node 3 has edges from \[0, 2, 1\]",
        ),
        (_changed(0, [["none", 0], ["dil", 1]]), r"operation is 'dil'; available: skip_connect"),
    ],
)
def test_refuses_what_is_not_a_dense_cell(content, text):
    with pytest.raises(InputError, match=text):
        validate(content, "g.json")


def test_a_two_edge_cell_becomes_a_dense_one():
    cell = random_genotype(3)
    found = dense.remap(cell)
    for kind in ("normal", "reduce"):
        for node, edges in enumerate(getattr(cell, kind)):
            kept = {p: o.replace("dil_conv", "sep_conv") for o, p in edges}
            expected = tuple((kept.get(p, "none"), p) for p in range(2 + node))
            assert getattr(found, kind)[node] == expected
    assert validate(found.to_json()) == found


def test_top_edges_keeps_the_two_of_lowest_loss_that_are_not_none():
    choice = ["conv_3x3"] * 28
    choice[2] = "none"  # node 1 from 0
    losses = [1.0] * 28
    losses[2] = 0.1
    losses[5:9] = [0.5, 0.7, 0.6, 0.8]  # node 2 from 0, 1, 2, 3
    found = dense.top_edges(dense.from_choice(choice), losses)
    kept = [[p for o, p in node if o != "none"] for node in found.normal]
    assert kept == [[0, 1], [1, 2], [0, 2], [0, 1]]
