"""Fine-tuning: the whole network trained on a share of the labels (SSNAS sec. 4.1)."""

from __future__ import annotations

import numpy as np
from torch import nn

from nassl.settings import FineTune, Supervised
from nassl.training.checkpoint import Checkpoint
from nassl.training.discrete import evaluate_once, fit, initial_objective
from stages.probe.data import LabelledData
from stages.training.curves import WrittenCurves


def finetune(
    network: nn.Module,
    protocol: FineTune,
    data: LabelledData,
    share: np.ndarray,
    seed: int,
    checkpoint: Checkpoint,
    curves: WrittenCurves,
    label: str,
) -> float:
    """Trains `network` and a fresh linear classifier on `data.train[share]`: cross entropy, without
    auxiliary head or smoothing. Returns the last epoch's accuracy, a fraction of the test images.
    """
    settings = Supervised("supervised", 0.0, 0.0, protocol.views)
    objective = initial_objective(settings, network, data.train, len(share), seed, data.classes)
    recipe = protocol.recipe
    fit(
        network, objective, data.train, data.train_labels, share, recipe, seed,
        checkpoint, curves, label,
    )  # fmt: skip
    everything = np.arange(len(data.test))
    tested = evaluate_once(
        network, objective, data.test, data.test_labels, everything, recipe.batch_size
    )
    return tested["correct"].mean().item()
