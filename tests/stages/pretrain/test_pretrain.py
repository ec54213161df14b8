"""Pretrain: weights without a head, without a label."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import load_file

from nassl.files import InputError, read_json
from nassl.genotypes import read_genotype, write_genotype
from nassl.genotypes.block import random_blocks
from nassl.genotypes.cell import random_genotype
from nassl.genotypes.dense import random_dense
from nassl.genotypes.resnet import ResNetGenotype
from nassl.settings import Network, SettingsError
from nassl.training.discrete import initial_network
from nassl.training.weights import load_weights
from stages.pretrain.__main__ import main, pretrain
from stages.score.__main__ import score


def test_the_written_weights_are_a_trained_backbone(call, digits, genotype):
    out = call(pretrain, images=digits / "images", genotype=genotype)
    metrics = read_json(out / "metrics.json")
    assert 0 < metrics["final_loss"] < 10
    assert metrics["feature_norm"] > 0
    assert metrics["n_trained_on"] == 96
    built = [
        initial_network(read_genotype(genotype), Network("cifar", 2, 3), 16, 0, torch.device("cpu"))
        for _ in range(2)
    ]
    load_weights(out / "weights.safetensors", built[0])  # every key, no other
    assert metrics["params"] == sum(p.numel() for p in built[0].parameters())
    pairs = zip(built[0].parameters(), built[1].parameters(), strict=True)
    assert not any(torch.equal(trained, initial) for trained, initial in pairs)
    assert set(load_file(out / "head.safetensors")) == {
        f"projection.{layer}.{name}" for layer in (0, 2) for name in ("weight", "bias")
    }
    assert (out / "genotype.json").read_bytes() == genotype.read_bytes()


def test_unlabeled_images_are_taken_if_there_are_any(call, digits_unlabeled, genotype):
    out = call(pretrain, images=digits_unlabeled / "images", genotype=genotype)
    assert read_json(out / "metrics.json")["n_trained_on"] == 80


def test_the_same_run_gives_the_same_bytes(call, digits, genotype):
    one, two = (
        call(pretrain, out=out, images=digits / "images", genotype=genotype)
        for out in ("one", "two")
    )
    for name in ("metrics.json", "weights.safetensors", "head.safetensors"):
        assert (one / name).read_bytes() == (two / name).read_bytes(), name


def test_weights_are_kept_on_the_way_also_over_a_kill(call, digits, genotype, monkeypatch):
    from nassl.objectives.simclr import SimCLRObjective

    changes = {"recipe.pretrain.epochs": 5, "recipe.pretrain.keep_every": 2}
    inputs = {"images": digits / "images", "genotype": genotype}
    whole = call(pretrain, changes=changes, out="whole", **inputs)
    names = ["00002.safetensors", "00004.safetensors"]
    assert sorted(path.name for path in (whole / "kept").iterdir()) == names
    weights = [load_file(whole / "kept" / name) for name in names]
    weights.append(load_file(whole / "weights.safetensors"))
    key = next(key for key in weights[0] if key.endswith("conv.weight"))
    assert not torch.equal(weights[0][key], weights[1][key])
    assert not torch.equal(weights[1][key], weights[2][key])
    monkeypatch.setenv("NASSL_CHECKPOINT_SECONDS", "0")
    original, steps, stop = SimCLRObjective.loss, [], 0

    def loss(self, *given):
        steps.append(0)
        if len(steps) == stop:  # in the third epoch
            raise KeyboardInterrupt
        return original(self, *given)

    lines = (whole / "curves/plots/metrics/train_loss.tsv").read_text().splitlines()
    assert len(lines) == 1 + 5
    monkeypatch.setattr(SimCLRObjective, "loss", loss)
    call(pretrain, changes=changes, out="counted", **inputs)
    each = len(steps) // 5  # steps of an epoch
    steps.clear()
    stop = 2 * each + 1
    with pytest.raises(KeyboardInterrupt):
        call(pretrain, changes=changes, out="killed", **inputs)
    killed = call(pretrain, changes=changes, out="killed", **inputs)
    for name in [*(f"kept/{name}" for name in names), "weights.safetensors"]:
        assert (killed / name).read_bytes() == (whole / name).read_bytes()
    assert not (call(pretrain, out="none", **inputs) / "kept").exists()


def test_moco_is_pretrained_and_scored_as_well(call, digits, genotype):
    moco = {"kind": "moco", "temperature": 0.2, "momentum": 0.9, "queue": 4096, "head": "mlp"}
    moco |= {"hidden": 8, "projection": 8, "groups": 1, "views": {"crop": "padded", "padding": 2}}
    changes = {"objective.simclr": moco}
    inputs = {"images": digits / "images", "genotype": genotype}
    out = call(pretrain, changes=changes, **inputs)
    head = load_file(out / "head.safetensors")
    assert head["queue"].shape == (8, 96)  # never more keys than images
    assert not any("teacher" in key for key in load_file(out / "weights.safetensors"))
    scored = call(score, changes=changes, labels=digits / "no-labels", **inputs)
    metrics = read_json(scored / "metrics.json")
    assert metrics["contrastive_loss"] > 0
    assert metrics["margin_q05"] < metrics["margin_q95"]


def test_a_resnet_is_pretrained_as_well(call, digits, tmp_path):
    write_genotype(tmp_path / "resnet.json", ResNetGenotype(18))
    out = call(
        pretrain,
        changes={"pretrain.s.network": "resnet"},
        images=digits / "images",
        genotype=tmp_path / "resnet.json",
    )
    assert "conv1.weight" in load_file(out / "weights.safetensors")


ARCHITECTURES = {
    "cell": (random_genotype(0), {"stem": "imagenet", "channels": 2, "cells": 3}),
    "resnet": (ResNetGenotype(50), {"stem": "imagenet", "channels": 2}),
    "dense": (random_dense(0), {"stem": "imagenet", "channels": 2, "cells": 3}),
    "block": (random_blocks([1, 2], 0), {"stem": "imagenet", "channels": 4}),
}
MOCO = {
    "kind": "moco", "temperature": 0.2, "momentum": 0.9, "queue": 64, "head": "mlp", "hidden": 8,
    "projection": 8, "groups": 2, "views": {"crop": "padded", "padding": 2},
}  # fmt: skip


@pytest.mark.parametrize("objective", ["simclr", "moco-v1", "moco-v2"])
@pytest.mark.parametrize("space", ARCHITECTURES)
def test_every_network_is_pretrained_by_every_objective(call, digits, tmp_path, space, objective):
    genotype, network = ARCHITECTURES[space]
    write_genotype(tmp_path / "found.json", genotype)
    changes = {
        "network.n": network,
        "pretrain.s.network": "n",
        "pretrain.s.objective": objective,
        "objective.moco-v1": MOCO | {"head": "linear", "hidden": 0},
        "objective.moco-v2": MOCO,
    }
    inputs = {"images": digits / "images", "genotype": tmp_path / "found.json"}
    out = call(pretrain, changes=changes, **inputs)
    assert 0 < read_json(out / "metrics.json")["final_loss"] < 10
    built = initial_network(genotype, Network(**network), 16, 0, torch.device("cpu"))
    initial = [p.clone() for p in built.parameters()]
    load_weights(out / "weights.safetensors", built)
    moved = [not torch.equal(a, b) for a, b in zip(initial, built.parameters(), strict=True)]
    assert sum(moved) > 0.8 * len(moved)  # a bias before a batch norm has no gradient


def test_what_does_not_fit_is_refused(call, digits, genotype):
    inputs = {"images": digits / "images", "genotype": genotype}
    with pytest.raises(SettingsError, match="objective is supervised; pretrain reads no labels"):
        call(pretrain, changes={"pretrain.s.objective": "supervised"}, **inputs)
    with pytest.raises(InputError, match="96 images do not fill one batch of 97"):
        call(pretrain, changes={"recipe.pretrain.batch_size": 97}, **inputs)


def test_no_arguments_print_the_help(capsys):
    main([])
    assert "is not given the labels" in capsys.readouterr().out
