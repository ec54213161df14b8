"""Permuting every label changes no bit of a self-supervised chain, from search to pretrain.

The label-free runs are given access to the labels on purpose, to show that they do not read them.
"""

from __future__ import annotations

import shutil
from argparse import Namespace

import numpy as np
import pytest
from PIL import Image

from nassl.files import read_json, write_json
from stages.prepare.__main__ import prepare
from stages.pretrain.__main__ import pretrain
from stages.score.__main__ import score
from stages.search.__main__ import search
from stages.select.__main__ import select
from tests.outputs import contents

COMPARED = {
    "search": ("genotype.json", "metrics.json", "alphas.json"),
    "scores/s": ("genotype.json", "metrics.json"),
    "select": ("genotype.json", "metrics.json", "ranking.json"),
    "pretrain": (
        "genotype.json", "metrics.json", "model.json", "README.md",
        "weights.safetensors", "head.safetensors",
    ),
}  # fmt: skip


@pytest.fixture
def permuted(digits, tmp_path):
    """The labels folder with all labels, and the stratified order, in another random order."""
    folder = tmp_path / "permuted"
    shutil.copytree(digits / "labels", folder)
    random = np.random.default_rng(0)
    for file in sorted(folder.glob("*.npy")):
        values = np.load(file)
        np.save(file, random.permutation(values))
        assert (np.load(file) != values).mean() > 0.5
    manifest = read_json(folder / "manifest.json")
    write_json(folder / "manifest.json", manifest | {"permuted": True})
    return folder


@pytest.fixture
def chain(call, digits):
    """Runs search, score, select and pretrain with access to a folder of labels; returns the bytes
    of what they write."""

    def run(name, labels):
        images = digits / "images"
        changes = {"search.s.labels": "labels", "score.s.labels": "labels"}
        searched = call(search, "s", changes, f"{name}/search", images=images, labels=labels)
        found = searched / "genotype.json"
        scored = call(
            score, "s", changes, f"{name}/scores/s", images=images, labels=labels, genotype=found
        )
        selected = call(select, "s", changes, f"{name}/select", scores=scored.parent)
        winner = selected / "genotype.json"
        trained = call(pretrain, "s", changes, f"{name}/pretrain", images=images, genotype=winner)
        root = trained.parent
        written = {f"{p}/{f}": (root / p / f).read_bytes() for p in COMPARED for f in COMPARED[p]}
        curves = {
            str(path.relative_to(root)): path.read_bytes()
            for path in sorted(root.rglob("curves/**/*.tsv"))
        }
        assert len(curves) > 5
        return written | curves

    return run


def test_permuted_labels_change_no_bit(chain, digits, permuted):
    before = chain("before", digits / "labels")
    after = chain("after", permuted)
    assert before.keys() == after.keys()
    assert not [name for name in before if before[name] != after[name]]


def test_other_class_folders_change_no_bit_of_what_pretrain_says(call, run_of, genotype, tmp_path):
    """The same files under two names of classes each, dealt out differently, elsewhere on disk."""
    random, written = np.random.default_rng(0), []
    pixels = random.integers(0, 256, (40, 20, 18, 3), dtype=np.uint8)
    for name, classes, every in (("before", ["cat", "dog"], 2), ("after", ["owl", "pig"], 3)):
        for number, image in enumerate(pixels):
            folder = tmp_path / name / "raw" / classes[number % every == 0]
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(folder / f"{number}.png")
        data = {"kind": "folder", "image_size": 16, "root": str(tmp_path / name / "raw")}
        changes = {"data.own": data, "prepare.own": {"data": "own"}, "pretrain.s.data": "own"}
        prepared = tmp_path / name / "prepared"
        prepare(run_of("prepare", "own", changes), Namespace(), prepared)
        assert read_json(prepared / "labels" / "manifest.json")["classes"] == classes
        inputs = {"images": prepared / "images", "genotype": genotype}
        out = call(pretrain, "s", changes, f"{name}/pretrain", **inputs)
        written.append([(out / file).read_bytes() for file in COMPARED["pretrain"]])
    assert written[0] == written[1]


EVOLUTION = {
    "space.block": {"kind": "block", "channels": 4, "depths": [1, 1], "stem": "imagenet"},
    "space.dense": {
        "kind": "dense", "channels": 2, "cells": 1, "stem": "imagenet", "edges": "all",
    },
    "network.block": {"stem": "imagenet", "channels": 4},
    "network.dense": {"stem": "imagenet", "channels": 2, "cells": 1},
    "strategy.evolution": {
        "kind": "evolution", "validation_fraction": 0.34, "elimination_epochs": 1,
        "initial_epochs": 1, "epsilon": 0.9, "final_epsilon": 0.5, "mutation_weight": 0.9,
        "loss_decay": 0.3, "size_limit": 1.3,
    },
    "objective.moco": {
        "kind": "moco", "temperature": 0.2, "momentum": 0.9, "queue": 64, "head": "mlp",
        "hidden": 8, "projection": 8, "groups": 2, "views": {"crop": "padded", "padding": 2},
    },
    "search.s.labels": "labels",
    "search.s.strategy": "evolution",
    "search.s.objective": "moco",
    "search.s.initial": "random",
    "pretrain.s.objective": "moco",
}  # fmt: skip


@pytest.mark.parametrize(("space", "epochs"), [("block", 21), ("dense", 36)])
def test_permuted_labels_change_no_bit_of_an_evolution_and_of_what_moco_learns(
    call, digits, permuted, space, epochs
):
    changes = EVOLUTION | {
        "search.s.space": space,
        "recipe.search.epochs": epochs,
        "pretrain.s.network": space,
    }
    written = []
    for name, labels in (("before", digits / "labels"), ("after", permuted)):
        images = digits / "images"
        found = call(search, "s", changes, f"{name}/s", images=images, labels=labels)
        genotype = found / "genotype.json"
        call(pretrain, "s", changes, f"{name}/p", images=images, genotype=genotype)
        files = contents(found.parent)
        assert {"s/genealogy.json", "p/weights.safetensors", "p/head.safetensors"} <= files.keys()
        written.append(files)
    assert written[0].keys() == written[1].keys()
    assert not [name for name in written[0] if written[0][name] != written[1][name]]


def test_permuted_labels_do_change_what_reads_them(call, digits, permuted, genotype):
    """The comparison above would notice."""
    losses = []
    for labels in (digits / "labels", permuted):
        out = call(
            score,
            "supervised",
            out=labels.name,
            images=digits / "images",
            labels=labels,
            genotype=genotype,
        )
        losses.append(read_json(out / "metrics.json")["train_loss"])
    assert losses[0] != losses[1]
