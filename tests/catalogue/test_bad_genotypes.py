"""Genotypes that do not describe a network, or not the intended one."""

from __future__ import annotations

import copy
import json
import re

import pytest

from nassl.genotypes.cell import random_genotype

GOOD = random_genotype(0).to_json()


def cell(**changes) -> bytes:
    return json.dumps({**copy.deepcopy(GOOD), **changes}).encode()


def node(*edges) -> bytes:
    """The good genotype with another third node in its normal cell."""
    content = copy.deepcopy(GOOD)
    content["normal"][2] = [list(edge) for edge in edges]
    return json.dumps(content).encode()


def blocks(*listed) -> bytes:
    return json.dumps({"space": "block", "blocks": list(listed)}).encode()


FINE = ("sep_conv_3x3", 0)
FILES = {
    "missing": (None, r"genotype\.json is missing; run the stage that writes it"),
    "empty": (b"", r"genotype\.json is not JSON"),
    "cut off": (cell()[:-20], r"genotype\.json is not JSON"),
    "bytes": (b"\xff\xfe{}", r"genotype\.json is not JSON"),
    "not a number": (b'{"space": "resnet", "depth": NaN}', r"depth is nan; available: 18, 50"),
    "nested without end": (b"[" * 100_000, r"genotype\.json is not JSON"),
    "a list": (b"[]", r"is \[\]; a mapping with the key 'space' is expected"),
    "unknown space": (cell(space="cel"), r"space is 'cel'; available: block, cell, dense, resnet"),
    "a list for a space": (cell(space=[]), r"space is \[\]; available: block, cell"),
    "code": (cell(normal="__import__('os')"), r"normal"),
    "an unknown key": (cell(concat=[2, 3]), r"concat"),
    "three nodes": (cell(normal=GOOD["normal"][:3]), r"normal.*3 entries"),
    "one edge": (node(FINE), r"normal"),
    "the none operation": (node(FINE, ("none", 1)), r"'none'"),
    "unknown operation": (node(FINE, ("conv_9x9", 1)), r"'conv_9x9'.*sep_conv_3x3"),
    "a later predecessor": (node(FINE, ("skip_connect", 4)), r"predecessor is 4; allowed are 0"),
    "a negative one": (node(FINE, ("skip_connect", -1)), r"predecessor is -1"),
    "a truth value for one": (node(FINE, ("skip_connect", True)), r"predecessor is True"),
    "the same one twice": (node(FINE, FINE), r"both edges come from 0"),
    "unknown depth": (b'{"space": "resnet", "depth": 34}', r"depth is 34; available: 18, 50"),
    "half a depth": (b'{"space": "resnet", "depth": 18.0}', r"depth is 18\.0"),
    "no blocks": (blocks(), r"a list of 'blocks'"),
    "a gap of stages": (
        blocks({"stage": 1, "operation": "conv_3x3"}, {"stage": 3, "operation": "conv_3x3"}),
        r"blocks\[1\]\.stage is 3; stages are counted from 1 without a gap",
    ),
    "identity first": (blocks({"stage": 1, "operation": "identity"}), r"blocks\[0\] is identity"),
    "unknown block": (blocks({"stage": 1, "operation": "x"}), r"operation is 'x'; available: conv"),
    "too few dense edges": (
        b'{"space": "dense", "normal": [], "reduce": []}', r"normal",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("content", "text"), FILES.values(), ids=FILES)
def test_genotypes(content, text, tmp_path, digits, refused):
    path = tmp_path / "genotype.json"
    if content is not None:
        path.write_bytes(content)
    said = refused("pretrain", images=digits / "images", genotype=path)
    assert re.search(text, said, re.DOTALL), said


def test_a_folder_for_a_file(tmp_path, digits, refused):
    (tmp_path / "genotype.json").mkdir()
    said = refused("pretrain", images=digits / "images", genotype=tmp_path / "genotype.json")
    assert "has no manifest.json: its stage did not finish" in said
