"""Retrain: learns, tests once, and counts what papers count."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from nassl.data.images import open_images, open_labels
from nassl.data.views import PlainView
from nassl.files import InputError, read_json, write_json
from nassl.genotypes import read_genotype
from nassl.networks.build import build_network
from nassl.settings import Network, SettingsError
from stages.retrain.__main__ import main, retrain


@pytest.fixture
def inputs(digits, genotype):
    return {"images": digits / "images", "labels": digits / "labels", "genotype": genotype}


@pytest.fixture
def black_or_white(digits, tmp_path):
    """Digits whose class is the brightness of the image: learnable within a few epochs."""
    folder = tmp_path / "black-or-white"
    for kind in ("images", "labels"):
        (folder / kind).mkdir(parents=True)
        for file in (digits / kind).iterdir():
            (folder / kind / file.name).write_bytes(file.read_bytes())
    for part in ("train", "test"):
        labels = np.random.default_rng(0).integers(
            0, 2, len(np.load(folder / f"labels/{part}.npy"))
        )
        pixels = np.load(folder / f"images/{part}.npy") // 4
        np.save(
            folder / f"images/{part}.npy",
            pixels + (labels * 190).astype(np.uint8)[:, None, None, None],
        )
        np.save(folder / f"labels/{part}.npy", labels)
    manifest = read_json(folder / "labels/manifest.json")
    write_json(folder / "labels/manifest.json", manifest | {"classes": ["black", "white"]})
    return folder


def test_a_learnable_set_is_learned(call, black_or_white, genotype):
    changes = {"recipe.train.epochs": 6, "recipe.train.batch_size": 16}
    out = call(
        retrain,
        changes=changes,
        images=black_or_white / "images",
        labels=black_or_white / "labels",
        genotype=genotype,
    )
    metrics = read_json(out / "metrics.json")
    assert metrics["test_accuracy"] >= 0.9
    assert "top5_error" not in metrics  # there are two classes
    assert (metrics["classes"], metrics["n"], metrics["n_trained_on"]) == (2, 40, 96)


def test_metrics_are_those_of_the_written_weights(call, inputs, digits, genotype):
    out = call(retrain, **inputs)
    metrics = read_json(out / "metrics.json")
    assert metrics["test_error"] == 1 - metrics["test_accuracy"]
    assert 0 <= metrics["top5_error"] <= metrics["test_error"] <= 1
    assert (out / "genotype.json").read_bytes() == genotype.read_bytes()
    # no auxiliary head among the weights, and none counted
    weights = load_file(out / "weights.safetensors")
    assert {key.split(".")[0] for key in weights} == {"network", "classifier"}
    network = build_network(read_genotype(genotype), Network("cifar", 2, 3), 16)
    own = {k.removeprefix("network."): v for k, v in weights.items() if k.startswith("network.")}
    network.load_state_dict(own)
    classifier = weights["classifier.weight"], weights["classifier.bias"]
    assert metrics["params"] == sum(p.numel() for p in network.parameters())
    images = open_images(digits / "images", "test")
    view = PlainView(images.mean, images.std)
    with torch.no_grad():
        features = network.eval()(view(images.batch(np.arange(40))))
    predicted = (features @ classifier[0].T + classifier[1]).argmax(dim=1)
    right = (predicted == open_labels(digits / "labels", "test")).double().mean().item()
    assert metrics["test_accuracy"] == pytest.approx(right)


def test_the_same_run_gives_the_same_bytes(call, inputs):
    one, two = (call(retrain, out=out, **inputs) for out in ("one", "two"))
    for name in ("metrics.json", "weights.safetensors", "curves/plots/metrics/train_loss.tsv"):
        assert (one / name).read_bytes() == (two / name).read_bytes(), name


def test_an_interrupted_run_ends_with_the_same_bytes(call, inputs, monkeypatch):
    changes = {"recipe.train.epochs": 2}
    whole = call(retrain, changes=changes, out="whole", **inputs)
    monkeypatch.setenv("NASSL_CHECKPOINT_SECONDS", "0")
    with monkeypatch.context() as broken:
        broken.setattr("nassl.training.weights.save_weights", _power_cut)
        with pytest.raises(KeyboardInterrupt):
            call(retrain, changes=changes, out="cut", **inputs)
    cut = call(retrain, changes=changes, out="cut", **inputs)
    for name in ("metrics.json", "weights.safetensors", "curves/plots/metrics/train_loss.tsv"):
        assert (whole / name).read_bytes() == (cut / name).read_bytes(), name


def _power_cut(*_):
    raise KeyboardInterrupt


def test_what_does_not_fit_is_refused(call, inputs, digits):
    with pytest.raises(SettingsError, match="of kind 'simclr'; retrain is supervised"):
        call(retrain, changes={"retrain.s.objective": "simclr"}, **inputs)
    with pytest.raises(InputError, match="holds no labels; this run needs them"):
        call(retrain, **{**inputs, "labels": digits / "no-labels"})


def test_no_arguments_print_the_help(capsys):
    main([])
    assert "tested once" in capsys.readouterr().out
