"""The loss of a sampled sub-network on held-out images."""

from __future__ import annotations

import torch
from torch import nn

from nassl.data.batches import Batches
from nassl.objectives.objective import Objective
from nassl.training.seeds import seed_step
from stages.search.alpha_gradients import unchanged_statistics


@torch.no_grad()
def validation_loss(
    network: nn.Module, objective: Objective, held_out: Batches, seed: int
) -> float:
    """Mean loss of the current sub-network on held-out images, always with the same views.

    Batch norm takes the statistics of the batch, in the student and in the teacher: the running
    ones of shared layers are those of whatever sub-networks came before. The running ones stay as
    they were.
    """
    network.train()
    objective.train()
    total, images = 0.0, 0
    with unchanged_statistics(network, objective):
        for step, batch in held_out.epoch(0):
            seed_step(seed, 0, step, "evaluation")
            values = objective.evaluate(network, batch.images, batch.labels)["loss"]
            total += values.sum().item()
            images += len(values)
    return total / images
