from __future__ import annotations

import json
import math
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from nassl.files import InputError
from nassl.genotypes import read_genotype, validate, write_genotype
from nassl.genotypes.cell import (
    CELL_OPERATIONS,
    KEPT_OPERATIONS,
    CellGenotype,
    alpha_entropy,
    derive,
    edge_index,
    random_genotype,
    skip_connections,
)
from nassl.genotypes.resnet import ResNetGenotype

DARTS_V2 = Path(__file__).parents[2] / "fixtures" / "darts_v2.json"


def content():
    return json.loads(DARTS_V2.read_text())


@pytest.mark.parametrize(
    "genotype", [random_genotype(3), ResNetGenotype(18), read_genotype(DARTS_V2)], ids=str
)
def test_written_genotypes_read_back(tmp_path, genotype):
    path = tmp_path / "genotype.json"
    write_genotype(path, genotype)
    assert read_genotype(path) == genotype


def test_edges_are_ordered_by_predecessor():
    swapped = content()
    swapped["normal"][0].reverse()
    assert validate(swapped) == read_genotype(DARTS_V2)


def broken(change):
    cell = content()
    change(cell)
    return cell


def put(key, node, edge, position, value):
    def change(cell):
        cell[key][node][edge][position] = value

    return change


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ([], r"g.json is \[\]; a mapping with the key 'space'"),
        ({"space": "cells"}, r"g.json: space is 'cells'; available: .*cell.*resnet"),
        ({"space": "cell"}, r"g.json lacks the key 'normal'; needed: space, normal, reduce"),
        (
            broken(lambda cell: cell.update(concat=[2])),
            r"g.json has the unknown key 'concat'; allowed: space, normal, reduce",
        ),
        (
            broken(lambda cell: cell["reduce"].pop()),
            r"g.json: reduce has 3 entries; a list of 4 nodes is expected",
        ),
        (
            broken(lambda cell: cell["reduce"][1].pop()),
            r"g.json: reduce node 3 has 1 entries; 2 edges",
        ),
        (
            broken(lambda cell: cell["reduce"][1].__setitem__(0, "skip_connect")),
            r"reduce node 3: edge is 'skip_connect'; \[operation, predecessor\] is expected",
        ),
        (
            broken(put("normal", 0, 1, 0, "none")),
            r"normal node 2: operation is 'none'; available: max_pool_3x3, .*dil_conv_5x5",
        ),
        (
            broken(put("normal", 2, 0, 1, 4)),
            r"normal node 4: predecessor is 4; allowed are 0 to 3",
        ),
        (broken(put("normal", 2, 0, 1, True)), r"node 4: predecessor is True; allowed"),
        (
            broken(put("normal", 2, 0, 1, 1)),
            r"normal node 4: both edges come from 1; two different predecessors",
        ),
        ({"space": "resnet", "depth": 34}, r"g.json: depth is 34; available: 18, 50"),
        ({"space": "resnet", "depth": True}, r"g.json: depth is True"),
    ],
)
def test_refusals_name_the_place(found, message):
    with pytest.raises(InputError, match=message):
        validate(found, "g.json")


def test_unreadable_files(tmp_path):
    with pytest.raises(InputError, match=r"genotype\.json is missing"):
        read_genotype(tmp_path / "genotype.json")
    (tmp_path / "genotype.json").write_text("{")
    with pytest.raises(InputError, match=r"genotype\.json is not JSON"):
        read_genotype(tmp_path / "genotype.json")


def test_an_invalid_genotype_is_not_written(tmp_path):
    with pytest.raises(InputError, match="depth is 34"):
        write_genotype(tmp_path / "genotype.json", ResNetGenotype(34))
    assert not list(tmp_path.iterdir())


def uniform():
    return [[0.0] * 8 for _ in range(14)]


def test_derive_keeps_the_two_strongest_edges_and_ignores_none():
    alpha = uniform()
    for row in alpha:
        row[0] = 1.0  # none everywhere the largest
    strongest = {0: (4, 1), 1: (7, 2), 2: (3, 4), 3: (5, 6)}
    for node in range(4):
        # Everything of edge 0 is strong but for a much stronger none, which takes its share.
        alpha[edge_index(node, 0)] = [9.0] + [3.0] * 7
        alpha[edge_index(node, 1)][strongest[node][0]] = 2.0
        if node:
            alpha[edge_index(node, node + 1)][strongest[node][1]] = 2.5
    names = {node: [CELL_OPERATIONS[k] for k in pair] for node, pair in strongest.items()}
    expected = (
        (("max_pool_3x3", 0), (names[0][0], 1)),
        *(((names[n][0], 1), (names[n][1], n + 1)) for n in (1, 2, 3)),
    )
    assert derive(alpha, alpha) == CellGenotype(expected, expected)


def test_derive_of_equals_takes_the_first():
    assert derive(uniform(), uniform()).normal == ((("max_pool_3x3", 0), ("max_pool_3x3", 1)),) * 4


def test_derive_refuses_what_is_not_an_alpha():
    with pytest.raises(ValueError, match="14 x 8"):
        derive(uniform()[1:], uniform())
    broken_alpha = uniform()
    broken_alpha[4][2] = math.nan
    with pytest.raises(ValueError, match="not finite"):
        derive(broken_alpha, uniform())


def test_random_genotypes_are_uniform():
    genotypes = [random_genotype(seed) for seed in range(4000)]
    assert genotypes[7] == random_genotype(7) != random_genotype(8)
    assert all(validate(g.to_json()) == g for g in genotypes[:50])
    operations = Counter(op for g in genotypes for op, _ in g.normal[3] + g.reduce[0])
    assert set(operations) == set(KEPT_OPERATIONS)
    expected = 4000 * 4 / 7
    assert sum((n - expected) ** 2 / expected for n in operations.values()) < 30  # chi2, 6 dof
    pairs = Counter(tuple(p for _, p in g.normal[3]) for g in genotypes)
    assert len(pairs) == 10
    assert sum((n - 400) ** 2 / 400 for n in pairs.values()) < 35  # 9 dof


def test_descriptions():
    assert skip_connections(read_genotype(DARTS_V2).normal) == 2
    assert skip_connections(read_genotype(DARTS_V2).reduce) == 3
    assert alpha_entropy(uniform()) == pytest.approx(math.log(8))
    decided = [[100.0] + [0.0] * 7] * 14
    assert alpha_entropy(decided) == pytest.approx(0, abs=1e-9)


def test_no_torch_is_imported():
    code = "import sys, nassl.genotypes.cell; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
