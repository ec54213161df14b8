"""model.json: what is not allowed is refused with file, key, what was found and what is allowed."""

from __future__ import annotations

import copy
import subprocess
import sys

import pytest

from nassl.files import InputError, read_json, write_json
from nassl.model.facts import read_facts, validate
from nassl.model.write import write_model
from nassl.settings import Network

DIGEST = "0" * 64
GOOD = {
    "format": 1,
    "run": "retrain/s",
    "files": {"genotype.json": DIGEST, "weights.safetensors": DIGEST},
    "network": {"stem": "cifar", "channels": 2, "cells": 3},
    "input": {
        "side": 16,
        "crop": 14,
        "mean": [0.4, 0.5, 0.6],
        "deviation": [0.2, 0.2, 0.3],
        "range": [0, 1],
        "channel_order": "RGB",
        "exif": "turned upright",
        "resize": "shorter side to `side`, then the centre square",
        "interpolation": "bicubic, antialiased",
    },
    "classes": ["cat", "${dog}"],
    "data": {"name": "pets", "kind": "folder", "counts": {"train": 5, "test": 0}},
    "plan_sha256": DIGEST,
    "nassl": "0.1.0",
    "licence": "Apache-2.0",
}
MISSING = object()


def changed(key, value):
    content = copy.deepcopy(GOOD)
    *path, last = key.split("/")
    place = content
    for part in path:
        place = place[part]
    if value is MISSING:
        del place[last]
    else:
        place[last] = value
    return content


def test_what_is_right_is_typed():
    facts = validate(GOOD, "model.json")
    assert facts.run == "retrain/s"
    assert facts.network == Network("cifar", 2, 3)
    assert facts.input.mean == (0.4, 0.5, 0.6)
    assert (facts.input.side, facts.input.crop) == (16, 14)
    assert facts.classes == ("cat", "${dog}")
    assert facts.data.counts == {"train": 5, "test": 0}


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("format", 2, r"m: format is 2; allowed: 1; this version of nassl does not know another"),
        ("format", MISSING, r"m has no key 'format'; it has: classes, data, "),
        ("plan", 1, r"m has the unknown key 'plan'; allowed: format, run, "),
        ("run", "probe/s", r"m: run is 'probe/s'; allowed: pretrain/<run> or retrain/<run>; run"),
        ("run", "retrain/", r"m: run is 'retrain/'; allowed"),
        ("files/genotype.json", "abc", r"m: files.genotype.json is 'abc'; allowed: a sha256 of 64"),
        ("network", [], r"m: network is \[\]; allowed: a mapping with the keys stem, channels, "),
        ("network/stem", "vit", r"m: network.stem is 'vit'; allowed: cifar, imagenet"),
        ("network/cells", True, r"m: network.cells is True; allowed: a whole number of at least 0"),
        ("network/depth", 3, r"m has the unknown key 'network.depth'; allowed: network.stem, "),
        ("input/side", 0, r"m: input.side is 0; allowed: a whole number of at least 1"),
        ("input/crop", 17, r"m: input.crop is 17; allowed: 1 to input.side, 16"),
        ("input/mean", [0.4, 0.5], r"m: input.mean is \[0.4, 0.5\]; allowed: three numbers from 0"),
        ("input/mean", [0.4, 0.5, 128], r"m: input.mean is .*; allowed: three numbers from 0 to 1"),
        ("input/deviation", [0.2, 0, 0.2], r"m: input.deviation is .*; allowed: three numbers abo"),
        ("input/deviation", [0.2, 10**400, 0.2], r"allowed: three numbers above 0 and at most 1"),
        ("input/deviation", [0.2, float("nan"), 0.2], r"input.deviation is \[0.2, nan, 0.2\]"),
        ("input/range", [0, 255], r"m: input.range is \[0, 255\]; allowed: \[0, 1\]"),
        ("input/channel_order", "BGR", r"m: input.channel_order is 'BGR'; allowed: 'RGB'"),
        ("input/interpolation", MISSING, r"m has no key 'input.interpolation'; it has: input.chan"),
        ("classes", ["cat"], r"m: classes is \['cat'\]; allowed: null, or a list of at least two"),
        ("classes", None, r"m: classes is null and run is 'retrain/s'; allowed: null for a pretra"),
        ("run", "pretrain/s", r"m: classes is a list and run is 'pretrain/s'; allowed: null for"),
        ("data/counts", {"train": -1}, r"m: data.counts is {'train': -1}; allowed: a whole number"),
        ("plan_sha256", "G" * 64, r"m: plan_sha256 is 'G+\.\.\.; allowed: a sha256"),
        ("licence", "MIT", r"m: licence is 'MIT'; allowed: 'Apache-2.0'"),
    ],
)
def test_what_is_wrong_is_named(key, value, text):
    with pytest.raises(InputError, match=text):
        validate(changed(key, value), "m")


@pytest.mark.parametrize("content", [[], None, "model", 3])
def test_what_is_no_mapping_is_refused(content):
    with pytest.raises(InputError, match=r"m is .*; allowed: a mapping with the keys format, run"):
        validate(content, "m")


def test_folders_without_one_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"nowhere is missing; give the folder of a trained netw"):
        read_facts(tmp_path / "nowhere")
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"file is a file; give the folder of a trained network"):
        read_facts(tmp_path / "file")
    with pytest.raises(
        InputError, match=r"has no model\.json, so it is not .*; it has: file; give"
    ):
        read_facts(tmp_path)
    (tmp_path / "model.json").write_text("{")
    with pytest.raises(InputError, match=r"model\.json is not JSON"):
        read_facts(tmp_path)


@pytest.fixture
def images(tmp_path):
    """What `write_model` reads of a prepared data set."""
    manifest = {
        "kind": "folder", "format": "packed", "image_size": 16, "counts": {"train": 5},
        "mean": [0.4, 0.5, 0.6], "std": [0.2, 0.2, 0.3], "root": str(tmp_path / "secret"),
    }  # fmt: skip
    write_json(tmp_path / "images" / "manifest.json", manifest)
    return tmp_path / "images"


def write(folder, images, **changes):
    folder.mkdir()
    for name in ("genotype.json", "weights.safetensors"):
        (folder / name).write_text(name)
    given = {
        "run": "pretrain/s", "plan_sha256": DIGEST, "network": Network("cifar", 2, 3),
        "images": images, "data": "pets", "crop": 14,
    }  # fmt: skip
    write_model(folder, **{**given, **changes})
    return (folder / "model.json").read_bytes()


def test_what_is_written_is_read_and_names_no_place(tmp_path, images):
    written = write(tmp_path / "one", images)
    assert written == write(tmp_path / "two", images)
    assert b"secret" not in written
    assert str(tmp_path).encode() not in written
    facts = read_facts(tmp_path / "one")
    assert facts.classes is None
    assert facts.input.deviation == (0.2, 0.2, 0.3)
    assert facts.files["genotype.json"] != facts.files["weights.safetensors"]


def test_what_would_be_refused_is_not_written(tmp_path, images):
    for number, (changes, text) in enumerate(
        [({"crop": 17}, "input.crop is 17"), ({"classes": ["a", "b"]}, "classes is a list and run")]
    ):
        folder = tmp_path / str(number)
        with pytest.raises(InputError, match=text):
            write(folder, images, **changes)
        assert not (folder / "model.json").exists()
    manifest = read_json(images / "manifest.json")
    del manifest["kind"]
    write_json(images / "manifest.json", manifest)
    with pytest.raises(InputError, match=r"images/manifest\.json has no 'kind'"):
        write(tmp_path / "kind", images)


def test_facts_are_read_without_torch():
    code = "import sys, nassl.model.facts; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
