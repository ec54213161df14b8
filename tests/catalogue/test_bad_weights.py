"""Weights, checkpoints, scores and prepared data that are not what a stage wrote."""

from __future__ import annotations

import json
import pickle
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from nassl.manifest import MANIFEST, sealed, write_manifest
from nassl.training.checkpoint import Checkpoint, Checkpoints
from stages.pretrain.__main__ import main as pretrain_main
from stages.training.checkpoints import open_checkpoints


class Harmful:
    """Would make a file where a pickle of it is loaded."""

    def __reduce__(self):
        return open, ("harmed", "w")


def without_a_key(tensors: dict) -> dict:
    return dict(sorted(tensors.items())[1:])


def one_reshaped(tensors: dict) -> dict:
    name = min(name for name in tensors if tensors[name].dim() > 1)
    return {**tensors, name: tensors[name].reshape(-1)}


def one_halved(tensors: dict) -> dict:
    name = min(name for name in tensors if tensors[name].dim() > 1)
    return {**tensors, name: tensors[name].half()}


TENSORS = {
    "lacks a key": (without_a_key, r"it lacks 1 of \d+ keys, first '.*'; it belongs to another"),
    "has one more": (lambda t: {**t, "x": torch.zeros(1)}, r"it has 1 keys beyond the .*first 'x'"),
    "another shape": (one_reshaped, r"is torch\.float32 \(\d+,\), expected torch\.float32 \(\d+, "),
    "another type": (one_halved, r"is torch\.float16 .*, expected torch\.float32"),
}
FILES = {
    "pickle": (lambda _: pickle.dumps(Harmful()), r"weights\.safetensors is not a safetensors"),
    "cut off": (lambda content: content[:-100], r"weights\.safetensors is not a safetensors file"),
    "empty": (lambda _: b"", r"weights\.safetensors is not a safetensors file"),
    "a header of terabytes": (
        lambda content: b"\xff" * 7 + b"\x00" + content[8:], r"is not a safetensors file",
    ),
}  # fmt: skip


@pytest.fixture
def probed(digits, refused):
    def run(pretrained: Path) -> str:
        paths = {"images": digits / "images", "labels": digits / "labels"}
        return refused("probe", pretrain=pretrained, **paths)

    return run


@pytest.mark.parametrize(("change", "text"), TENSORS.values(), ids=TENSORS)
def test_weights_of_another_network(change, text, pretrained, probed):
    path = pretrained / "weights.safetensors"
    save_file(change(load_file(path)), path)
    write_manifest(pretrained, "pretrain@s")
    assert re.search(text, probed(pretrained), re.DOTALL)


@pytest.mark.parametrize(("change", "text"), FILES.values(), ids=FILES)
def test_files_that_are_not_weights(change, text, pretrained, probed):
    path = pretrained / "weights.safetensors"
    path.write_bytes(change(path.read_bytes()))
    write_manifest(pretrained, "pretrain@s")
    assert re.search(text, probed(pretrained), re.DOTALL)


def test_a_run_that_did_not_end(pretrained, probed):
    (pretrained / MANIFEST).unlink()
    assert "has no manifest.json: its stage did not finish; run it again" in probed(pretrained)


def test_a_deleted_file(pretrained, probed):
    (pretrained / "weights.safetensors").unlink()
    said = probed(pretrained)
    assert re.search(r"weights\.safetensors is missing; make it again with `dvc repro .*@s`", said)


# ------------------------------------------------------------ checkpoints ----


@pytest.fixture
def started(tmp_path, digits, genotype, plan, monkeypatch):
    """A pretraining that was killed once its first checkpoint was saved; gives its paths."""
    monkeypatch.chdir(tmp_path)
    plan()
    paths = {"images": digits / "images", "genotype": genotype}

    def deadly(self, state, place=""):
        save(self, state, place)
        raise KeyboardInterrupt

    save = Checkpoint.save
    with monkeypatch.context() as once:
        once.setenv("NASSL_CHECKPOINT_SECONDS", "0")
        once.setattr(Checkpoint, "save", deadly)
        options = [word for key, path in paths.items() for word in (f"--{key}", str(path))]
        with pytest.raises(SystemExit):
            pretrain_main(["s", *options, "--out", str(tmp_path / "out" / "s")])
    shutil.rmtree(tmp_path / "out")
    return paths


def test_a_pickle_for_a_checkpoint(started, refused, tmp_path):
    """A complete forgery, with a valid hash."""
    path = tmp_path / ".checkpoints/pretrain/s/training.ckpt"
    head = json.loads(path.read_bytes().partition(b"\n")[0])
    with Checkpoints(tmp_path / "forged", head["fingerprint"]) as forged:
        forged.part().save({"epoch": Harmful()})
        shutil.copy(forged.part().last, path)
    said = refused("pretrain", **started)
    assert "training.ckpt is not an archive of tensors and plain values; not loaded" in said
    assert not (tmp_path / "harmed").exists()


def test_a_run_that_is_running(started, refused, run_of, tmp_path):
    with open_checkpoints(run_of("pretrain")):
        said = refused("pretrain", **started)
    assert re.search(r"this run is already running \(process \d+ holds .*lock\); wait", said)


# ------------------------------------------------------- scores, prepared ----


SCORES = {
    "no such criterion": ({"accuracy": 0.5}, r"has no 'contrastive_loss'; it has: accuracy"),
    "text": ({"contrastive_loss": "low"}, r"is 'low'; a finite number is expected"),
    "a truth value": ({"contrastive_loss": True}, r"is True; a finite number is expected"),
}


@pytest.mark.parametrize(("metrics", "text"), SCORES.values(), ids=SCORES)
def test_scores(metrics, text, tmp_path, genotype, refused):
    folder = tmp_path / "scores" / "s"
    folder.mkdir(parents=True)
    (folder / "metrics.json").write_text(json.dumps(metrics))
    shutil.copy(genotype, folder)
    write_manifest(folder, "score@s")
    assert re.search(text, refused("select", scores=folder.parent), re.DOTALL)


def objects(images: Path) -> None:
    np.save(images / "train.npy", np.array([Harmful()]), allow_pickle=True)


def cut_off(images: Path) -> None:
    content = (images / "train.npy").read_bytes()
    (images / "train.npy").write_bytes(content[: len(content) // 2])


def floats(images: Path) -> None:
    np.save(images / "train.npy", np.load(images / "train.npy").astype(np.float32))


def no_counts(images: Path) -> None:
    manifest = json.loads((images / MANIFEST).read_text())
    del manifest["counts"]
    (images / MANIFEST).write_text(json.dumps(manifest))


PREPARED = {
    "pickled objects": (objects, r"train\.npy is not an array \(.*Python objects"),
    "cut off": (cut_off, r"train\.npy is not an array"),
    "another type": (floats, r"train\.npy holds float32 .*; its manifest says uint8"),
    "no counts": (no_counts, r"manifest\.json has no 'counts': it does not describe"),
}


@pytest.mark.parametrize(("change", "text"), PREPARED.values(), ids=PREPARED)
def test_prepared_images(change, text, tmp_path, digits, genotype, refused):
    """Sealed again, as if prepared data were written without `prepare`."""
    images = tmp_path / "images"
    shutil.copytree(digits / "images", images)
    change(images)
    content = json.loads((images / MANIFEST).read_text())
    del content["sha256"], content["files"]
    (images / MANIFEST).write_text(json.dumps(sealed(content)))
    said = refused("pretrain", images=images, genotype=genotype)
    assert re.search(text, said, re.DOTALL), said
    assert not (tmp_path / "harmed").exists()


def test_images_without_labels(digits, genotype, refused):
    changes = {"score.s.objective": "supervised", "score.s.labels": "labels"}
    paths = {"images": digits / "images", "labels": digits / "no-labels", "genotype": genotype}
    assert "holds no labels; this run needs them" in refused("score", "s", changes, **paths)
