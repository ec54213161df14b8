"""A trained network from its folder alone: what the pipeline computes, bit for bit, or refused."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import nassl
from nassl.data.images import open_images, open_labels
from nassl.files import InputError, read_json, write_json
from nassl.genotypes import read_genotype, write_genotype
from nassl.genotypes.block import random_blocks
from nassl.genotypes.dense import random_dense
from nassl.genotypes.resnet import ResNetGenotype
from stages.pretrain.__main__ import pretrain
from stages.probe import linear
from stages.probe.__main__ import probe
from stages.retrain.__main__ import retrain

ROOT = Path(__file__).resolve().parents[2]
NEEDED = ("genotype.json", "model.json", "weights.safetensors")
BATCH = 32  # of the tests' recipes


@pytest.fixture
def pretrained(call, digits, genotype):
    return call(pretrain, images=digits / "images", genotype=genotype)


@pytest.fixture
def retrained(call, digits, genotype):
    inputs = {"images": digits / "images", "labels": digits / "labels", "genotype": genotype}
    return call(retrain, **inputs)


def features_of(loaded, images):
    """In batches as the pipeline's: a convolution may sum another batch size in another order."""
    parts = np.array_split(np.arange(len(images)), range(BATCH, len(images), BATCH))
    with torch.no_grad():
        return torch.cat([loaded.network(loaded.preprocess(images.batch(p))) for p in parts])


def test_features_are_bit_for_bit_those_that_probe_measures(
    call, digits, pretrained, monkeypatch, tmp_path
):
    extract, measured = linear.extract, []

    def noted(*arguments):
        measured.append(extract(*arguments))
        return measured[-1]

    monkeypatch.setattr(linear, "extract", noted)
    inputs = {"images": digits / "images", "labels": digits / "labels", "pretrain": pretrained}
    call(probe, changes={"probe.s.finetune": "none"}, **inputs)
    copied = tmp_path / "elsewhere"
    copied.mkdir()
    for name in NEEDED:
        shutil.copy(pretrained / name, copied)
    loaded = nassl.load(copied)
    assert not loaded.network.training
    assert loaded.classifier is None
    for part, expected in zip(("train", "test"), measured[:2], strict=True):
        found = features_of(loaded, open_images(digits / "images", part))
        assert torch.equal(found, expected)
    assert not torch.equal(measured[2], measured[0])  # of random weights: these would be noticed


def test_it_says_what_was_trained_on_what(pretrained, genotype, run_of):
    loaded = nassl.load(str(pretrained))
    assert loaded.genotype == read_genotype(genotype)
    assert loaded.facts.run == "pretrain/s"
    assert loaded.facts.data.name == loaded.facts.data.kind == "digits"
    assert loaded.facts.data.counts == {"train": 96, "test": 40}
    assert loaded.facts.plan_sha256 == run_of("pretrain").sha256
    other = run_of("pretrain", "s", {"recipe.pretrain.epochs": 2})
    assert loaded.facts.plan_sha256 != other.sha256
    threads = run_of("pretrain", "s", {"resources.pretrain.threads": 2})
    assert loaded.facts.plan_sha256 == threads.sha256
    assert loaded.facts.nassl == nassl.__version__


def test_a_view_of_another_size_is_cut_as_the_pipeline_cuts_it(call, digits, genotype):
    changes = {"objective.simclr.views.size": 12}
    out = call(pretrain, changes=changes, images=digits / "images", genotype=genotype)
    loaded, images = nassl.load(out), open_images(digits / "images", "train")
    assert (loaded.facts.input.side, loaded.facts.input.crop) == (16, 12)
    norms = features_of(loaded, images).double().norm(dim=1)
    assert norms.mean().item() == read_json(out / "metrics.json")["feature_norm"]


def test_a_classifier_has_the_loss_and_accuracy_that_retrain_measured(retrained, digits):
    loaded = nassl.load(retrained)
    assert loaded.facts.classes == tuple(str(digit) for digit in range(10))
    features = features_of(loaded, open_images(digits / "images", "test"))
    logits, labels = loaded.classifier(features), open_labels(digits / "labels", "test")
    metrics = read_json(retrained / "metrics.json")
    right = (logits.argmax(dim=1) == labels).double().mean().item()
    assert right == metrics["test_accuracy"]
    loss = torch.nn.functional.cross_entropy(logits.double(), labels).item()
    assert loss == pytest.approx(metrics["test_loss"], rel=1e-6)


ARCHITECTURES = {
    "resnet": (ResNetGenotype(18), {"stem": "cifar", "channels": 2}),
    "dense": (random_dense(0), {"stem": "imagenet", "channels": 2, "cells": 3}),
    "block": (random_blocks([1, 2], 0), {"stem": "imagenet", "channels": 4}),
}


@pytest.mark.parametrize("space", ARCHITECTURES)
def test_networks_of_every_space_are_loaded(call, digits, tmp_path, space):
    genotype, network = ARCHITECTURES[space]
    write_genotype(tmp_path / "found.json", genotype)
    changes = {"network.n": network, "pretrain.s.network": "n"}
    inputs = {"images": digits / "images", "genotype": tmp_path / "found.json"}
    out = call(pretrain, changes=changes, **inputs)
    loaded = nassl.load(out)
    norms = features_of(loaded, open_images(digits / "images", "train")).double().norm(dim=1)
    assert norms.mean().item() == read_json(out / "metrics.json")["feature_norm"]
    assert loaded.genotype == genotype


def test_random_numbers_are_left_alone(pretrained):
    before = torch.get_rng_state()
    nassl.load(pretrained)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("name", NEEDED)
def test_a_missing_file_is_named(pretrained, name):
    (pretrained / name).unlink()
    text = "has no model.json, so it is not" if name == "model.json" else f"{name} is missing; mod"
    with pytest.raises(InputError, match=text):
        nassl.load(pretrained)


@pytest.mark.parametrize("name", ["genotype.json", "weights.safetensors"])
def test_a_damaged_file_is_named(pretrained, name):
    content = bytearray((pretrained / name).read_bytes())
    content[-3] ^= 1
    (pretrained / name).write_bytes(content)
    with pytest.raises(InputError, match=rf"{name} is not the file that model\.json beside it was"):
        nassl.load(pretrained)


def test_weights_of_another_run_are_refused(call, digits, genotype, pretrained):
    changes = {"recipe.pretrain.learning_rate": 0.02}
    other = call(
        pretrain, changes=changes, out="other", images=digits / "images", genotype=genotype
    )
    shutil.copy(other / "weights.safetensors", pretrained)
    with pytest.raises(InputError, match=r"weights\.safetensors is not the file that model\.json"):
        nassl.load(pretrained)


def test_a_size_that_was_edited_is_refused(pretrained):
    content = read_json(pretrained / "model.json")
    for key, value, text in (
        ("channels", 4, r"weights\.safetensors does not fit CellNetwork: '"),
        ("cells", 0, r"model\.json: network does not fit genotype\.json beside it: network has ch"),
    ):
        changed = content | {"network": content["network"] | {key: value}}
        write_json(pretrained / "model.json", changed)
        with pytest.raises(InputError, match=text):
            nassl.load(pretrained)


def test_folders_of_other_stages_are_refused(digits, tmp_path):
    with pytest.raises(InputError, match=r"images has no model\.json, so it is not .*manifest\.j"):
        nassl.load(digits / "images")
    with pytest.raises(InputError, match=r"nowhere is missing; give the folder of a trained netw"):
        nassl.load(tmp_path / "nowhere")


LOAD = """
import json, sys
import nassl
assert "torch" not in sys.modules, "import nassl is not light"
from nassl import load
loaded = load(sys.argv[1])
import torch
pixels = torch.arange(2 * 3 * 20 * 18).remainder(251).to(torch.uint8).view(2, 3, 20, 18)
with torch.inference_mode():
    features = loaded.network(loaded.preprocess(pixels))
loaded_tops = sorted({name.partition(".")[0] for name in sys.modules})
print(json.dumps([loaded_tops, features.tolist()]))
"""


def test_it_is_loaded_from_an_empty_folder_without_the_pipeline(pretrained, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    done = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning:nassl", "-c", LOAD, str(pretrained)],
        cwd=empty, env={"PYTHONPATH": str(ROOT), "HOME": str(Path.home()), "PATH": "/usr/bin:/bin"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    modules, features = json.loads(done.stdout)
    assert not {"dvc", "dvclive", "snakemake", "detectron2", "hydra", "stages"} & set(modules)
    assert not list(empty.iterdir())
    pixels = torch.arange(2 * 3 * 20 * 18).remainder(251).to(torch.uint8).view(2, 3, 20, 18)
    loaded = nassl.load(pretrained)
    with torch.inference_mode():
        expected = loaded.network(loaded.preprocess(pixels))
    torch.testing.assert_close(torch.tensor(features), expected)


def test_an_unknown_name_of_the_package_is_named():
    with pytest.raises(AttributeError, match="no attribute 'lode'; it has: Loaded, load"):
        nassl.lode  # noqa: B018
