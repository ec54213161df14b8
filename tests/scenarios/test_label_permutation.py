"""Permuting every label changes no bit of a self-supervised chain, from search to pretrain.

The label-free runs are handed the labels on purpose: they have them within reach and must not look.
"""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from stages.core.command import read_json, write_json
from stages.pretrain.__main__ import pretrain
from stages.score.__main__ import score
from stages.search.__main__ import search
from stages.select.__main__ import select

COMPARED = {
    "search": ("genotype.json", "metrics.json", "alphas.json"),
    "scores/s": ("genotype.json", "metrics.json"),
    "select": ("genotype.json", "metrics.json", "ranking.json"),
    "pretrain": ("genotype.json", "metrics.json", "weights.safetensors", "head.safetensors"),
}


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
    """Runs search, score, select and pretrain within reach of a folder of labels; gives the bytes
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
