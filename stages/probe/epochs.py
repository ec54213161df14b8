"""Accuracy over the epochs of pretraining, of the weights that it kept (FaUNAE sec. IV.C.1: "we
verify the accuracy after every epoch"): k nearest neighbours, which need no training."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from torch import nn

from nassl.data.views import PlainView
from nassl.settings import Linear
from nassl.training.features import extract
from nassl.training.weights import load_weights
from stages.probe.data import LabelledData
from stages.probe.neighbours import knn_predict


def knn_by_epoch(
    kept: Path, fresh: Callable[[], nn.Module], protocol: Linear, data: LabelledData
) -> list[dict[str, float]]:
    """`epoch` and `knn_accuracy` (a fraction of the test images) of every file in `kept`, in order;
    empty if there are none. `fresh` gives a network to load them into."""
    found = []
    for file in sorted(kept.glob("*.safetensors")):
        network = fresh()
        load_weights(file, network)
        network.eval()
        plain = PlainView(data.train.mean, data.train.std, protocol.views.size)
        bank, queries = (
            extract(network, plain, part, np.arange(len(part)), protocol.recipe.batch_size)
            for part in (data.train, data.test)
        )
        device = next(network.parameters()).device
        predicted = knn_predict(
            bank.to(device), data.train_labels.to(device), queries.to(device),
            protocol.neighbours, protocol.neighbour_temperature, data.classes,
        )  # fmt: skip
        right = (predicted.cpu() == data.test_labels).double().mean().item()
        found.append({"epoch": int(file.stem), "knn_accuracy": right})
    return found
