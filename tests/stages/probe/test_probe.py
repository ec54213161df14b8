"""Probe: a frozen network stays frozen, and every number is that of the protocol."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch import nn

from nassl.data.images import labelled_share, open_labels
from nassl.files import InputError, read_json
from nassl.genotypes import read_genotype, write_genotype
from nassl.genotypes.cell import random_genotype
from nassl.networks.size import flops
from nassl.settings import Network, SettingsError, Views
from nassl.training.discrete import initial_network
from nassl.training.weights import fingerprint, load_weights
from stages.pretrain.__main__ import pretrain
from stages.probe.__main__ import main, probe
from stages.probe.frozen import FrozenNetwork, deterministic, left_unchanged
from stages.probe.linear import Standardise, build_classifier


@pytest.fixture
def pretrained(call, digits, genotype):
    return call(pretrain, images=digits / "images", genotype=genotype)


@pytest.fixture
def inputs(digits, pretrained):
    return {"images": digits / "images", "labels": digits / "labels", "pretrain": pretrained}


def fresh(genotype, seed=0):
    settings, device = Network("cifar", 2, 3), torch.device("cpu")
    return initial_network(read_genotype(genotype), settings, 16, seed, device)


def test_both_protocols_and_the_untrained_network(call, inputs, genotype, pretrained):
    out = call(probe, **inputs)
    metrics = read_json(out / "metrics.json")
    for name in ("linear_accuracy", "knn_accuracy"):
        for suffix in ("", "_untrained"):
            share = metrics[name + suffix] * 40
            assert 0 <= share <= 40
            assert share == pytest.approx(round(share))
    assert 0 <= metrics["finetune_accuracy"] <= 1
    assert (metrics["linear_labels"], metrics["finetune_labels"], metrics["n"]) == (96, 48, 40)
    assert metrics["feature_norm"] != metrics["feature_norm_untrained"]
    network = fresh(genotype)
    load_weights(pretrained / "weights.safetensors", network)
    assert metrics["backbone_sha256"] == fingerprint(network)
    assert metrics["params"] == sum(p.numel() for p in network.parameters())  # no classifier
    assert metrics["flops"] == flops(network, 16)
    assert (out / "curves/linear_untrained/plots/metrics/train_loss.tsv").exists()


def test_accuracy_over_epochs_is_that_of_the_kept_weights(call, digits, genotype):
    changes = {"recipe.pretrain.epochs": 2, "recipe.pretrain.keep_every": 1}
    pretrained = call(
        pretrain, changes=changes, out="kept", images=digits / "images", genotype=genotype
    )
    inputs = {"images": digits / "images", "labels": digits / "labels", "pretrain": pretrained}
    out = call(probe, out="probed", **inputs)
    points = read_json(out / "epochs.json")
    assert [point["epoch"] for point in points] == [1, 2]
    assert points[-1]["knn_accuracy"] == read_json(out / "metrics.json")["knn_accuracy"]
    # the first epoch's are other weights, and give another answer than the last epoch's for sure
    # only in their features: the file is what is compared
    first, last = (pretrained / "kept" / f"0000{epoch}.safetensors" for epoch in (1, 2))
    assert first.read_bytes() != last.read_bytes()
    shutil.copyfile(first, pretrained / "kept" / "00003.safetensors")
    again = call(probe, out="again", **inputs)
    third = read_json(again / "epochs.json")[2]
    assert third == {"epoch": 3, "knn_accuracy": points[0]["knn_accuracy"]}


def test_the_same_run_gives_the_same_bytes(call, inputs):
    one, two = (call(probe, out=out, **inputs) for out in ("one", "two"))
    losses = [f"curves/{part}/plots/metrics/train_loss.tsv" for part in ("linear", "finetune")]
    for name in ("metrics.json", *losses):
        assert (one / name).read_bytes() == (two / name).read_bytes(), name


def test_the_untrained_network_is_where_pretraining_started(
    call, inputs, digits, genotype, monkeypatch
):
    """A pretraining without a step leaves the initial network: all pairs of numbers are equal."""
    monkeypatch.setattr("nassl.training.discrete.fit", lambda *_, **__: 0.0)
    untouched = call(pretrain, out="untouched", images=digits / "images", genotype=genotype)
    monkeypatch.undo()
    out = call(probe, changes={"probe.s.finetune": "none"}, **{**inputs, "pretrain": untouched})
    metrics = read_json(out / "metrics.json")
    for name in ("linear_accuracy", "knn_accuracy", "feature_norm"):
        assert metrics[name] == metrics[f"{name}_untrained"]
    assert "finetune_accuracy" not in metrics


@pytest.mark.parametrize("protocol", ["linear", "linear-random-views"])
def test_linear_evaluation_leaves_the_network_bit_identical(
    call, inputs, pretrained, protocol, monkeypatch
):
    seen = []

    def remember(path, network):
        load_weights(path, network)
        seen.append(network)

    monkeypatch.setattr("nassl.training.weights.load_weights", remember)
    changes = {"probe.s.linear": protocol, "probe.s.finetune": "none"}
    metrics = read_json(call(probe, changes=changes, **inputs) / "metrics.json")
    assert len(seen) == 2  # one for the sizes, one that was evaluated
    assert {fingerprint(network) for network in seen} == {metrics["backbone_sha256"]}


class Restless(nn.Module):
    """Batch norm that stays in training mode whatever it is told."""

    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm2d(3)

    def train(self, mode=True):
        return super().train(True)

    def forward(self, x):
        return self.norm(x).mean((2, 3))


def test_a_network_that_changes_is_noticed():
    def use(network):
        frozen = FrozenNetwork(network, lambda images: images.float())
        with left_unchanged(network):
            frozen(torch.randint(0, 256, (4, 3, 5, 5), dtype=torch.uint8))

    use(nn.BatchNorm2d(3))
    with pytest.raises(RuntimeError, match="Restless changed during linear evaluation"):
        use(Restless())


def test_random_weights_are_finetuned_without_the_pretrained_ones(call, inputs, pretrained):
    changes = {"probe.s.init": "random", "probe.s.linear": "none"}
    (pretrained / "weights.safetensors").unlink()
    metrics = read_json(call(probe, changes=changes, **inputs) / "metrics.json")
    assert metrics["init"] == "random"
    assert metrics["backbone_sha256"] == fingerprint(fresh(pretrained / "genotype.json"))
    assert "linear_accuracy" not in metrics


def test_weights_of_another_network_are_named(call, inputs, pretrained):
    write_genotype(pretrained / "genotype.json", random_genotype(5))
    with pytest.raises(InputError, match=r"weights.safetensors does not fit CellNetwork: it "):
        call(probe, **inputs)


def test_random_weights_have_no_linear_protocol_of_their_own(call, inputs):
    with pytest.raises(SettingsError, match=r"probe.s.linear is 'linear' with init: random"):
        call(probe, changes={"probe.s.init": "random"}, **inputs)


def test_the_labelled_share_is_stratified(digits):
    labels = open_labels(digits / "labels", "train").numpy()
    counts = np.bincount(labels[labelled_share(digits / "labels", 0.5)], minlength=10)
    assert np.abs(counts - np.bincount(labels, minlength=10) / 2).max() <= 1


def test_the_classifier_finds_what_logistic_regression_finds(run_of):
    """Features far from unit scale: only standardised ones are learned at the common rate."""
    from nassl.data.batches import Batches
    from nassl.training.optimisers import build_optimizer
    from stages.probe.frozen import Features
    from stages.probe.linear import LinearProbe

    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(0, 3, (240,), generator=generator)
    features = torch.randn(240, 6, generator=generator)
    features[:, :3] += 2 * torch.eye(3)[labels]
    features = (features * 1e-4 + 3).float()
    recipe = run_of("probe").settings["linear"].recipe
    reference = LogisticRegression(C=1e9, max_iter=5000).fit(
        Standardise(features)(features).numpy(), labels.numpy()
    )
    expected = reference.score(Standardise(features)(features).numpy(), labels.numpy())
    found = {}
    for standardise in (True, False):
        classifier = build_classifier(features, 3, 0, standardise)
        optimizer, objective = build_optimizer(recipe, classifier.parameters()), LinearProbe(None)
        batches = Batches(Features(features), labels, np.arange(240), 60, 0)
        for epoch in range(60):
            for _, batch in batches.epoch(epoch):
                optimizer.zero_grad()
                objective.loss(classifier, batch.images, batch.labels).backward()
                optimizer.step()
        predicted = classifier(features).argmax(dim=1)
        found[standardise] = (predicted == labels).double().mean().item()
    assert found[True] == pytest.approx(expected, abs=0.02)
    assert found[False] < expected - 0.2


def test_standardised_features():
    features = torch.randn(50, 4, dtype=torch.float64) * torch.tensor([1e-3, 1.0, 50.0, 0.0]) + 7
    standard = Standardise(features)(features)
    literal = (features - features.mean(0)) / features.std(0, correction=0)
    torch.testing.assert_close(standard[:, :3], literal[:, :3], rtol=1e-3, atol=1e-3)
    assert (standard[:, 3].abs() < 1e-6).all()  # without variance, not blown up


def test_features_are_kept_only_if_views_are_not_random():
    assert deterministic(Views("none", jitter=0.0, size=8))
    assert not any(
        deterministic(Views(**views))
        for views in (
            {"crop": "padded", "padding": 2},
            {"crop": "none", "flip": 0.5},
            {"crop": "none", "blur": 0.5},
            {"crop": "none", "jitter": 0.5},
            {"crop": "none", "grayscale": 0.5},
            {"crop": "none", "cutout": 4},
        )
    )


def test_no_arguments_print_the_help(capsys):
    main([])
    assert "random weights of the same seed" in capsys.readouterr().out
