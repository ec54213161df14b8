"""How good a short training is on images that it was not trained on."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from nassl.data.batches import Batches
from nassl.data.images import Images
from nassl.objectives.objective import Objective
from nassl.settings import Recipe
from nassl.training.discrete import evaluate_once
from nassl.training.loop import Companion, evaluate
from stages.runs.lines import VIEW_PAIRS

PARTS = {"quarter": 0.25, "half": 0.5}  # of the epochs
QUANTILES = {"q05": 0.05, "q25": 0.25, "q50": 0.5, "q75": 0.75, "q95": 0.95}


class Early(Companion):
    """Judges the network after parts of the epochs, too: the same as at the end, so that the report
    can ask how short a scoring is long enough. No weight and no later number depends on it."""

    def __init__(
        self,
        network: nn.Module,
        objective: Objective,
        images: Images,
        held_out: np.ndarray,
        recipe: Recipe,
    ) -> None:
        self.judged = network, objective, images, held_out, recipe
        self.names = {
            round(share * recipe.epochs): f"contrastive_loss_{name}"
            for name, share in PARTS.items()
            if round(share * recipe.epochs)
        }

    def after_epoch(self, epoch: int) -> dict[str, float]:
        if epoch + 1 not in self.names:
            return {}
        return {self.names[epoch + 1]: contrastive_score(*self.judged)["contrastive_loss"]}


def contrastive_score(
    network: nn.Module, objective: Objective, images: Images, held_out: np.ndarray, recipe: Recipe
) -> dict[str, float | int]:
    """contrastive_loss (nats), its standard deviation between draws, and statistics per image.

    Draw number p has its own views and its own batches, the same for every candidate. All batches
    are full, because the loss grows with the number of other images in a batch; images that do not
    fill one are left out of that draw, different ones in every draw.
    """
    device = next(network.parameters()).device
    size = min(recipe.batch_size, len(held_out))
    draws = []
    for pair in range(VIEW_PAIRS):
        batches = Batches(images, None, held_out, size, pair, device=device, crops=objective.crops)
        draws.append(evaluate(network, objective, batches, pair))
    losses = torch.stack([draw["loss"].mean() for draw in draws])
    metrics: dict[str, float | int] = {
        "contrastive_loss": losses.mean().item(),
        "contrastive_loss_std_between_draws": losses.std().item(),
        "view_pairs": VIEW_PAIRS,
        "batch_size": size,
    }
    for name in sorted(draws[0].keys() - {"loss"}):
        metrics |= _statistics(name, torch.cat([draw[name] for draw in draws]))
    return metrics


def supervised_score(
    network: nn.Module,
    objective: Objective,
    images: Images,
    labels: Tensor,
    held_out: np.ndarray,
    recipe: Recipe,
) -> dict[str, float]:
    """accuracy (fraction, 0 to 1) and loss (cross entropy, nats) of the plain view."""
    values = evaluate_once(network, objective, images, labels, held_out, recipe.batch_size)
    return {"accuracy": values["correct"].mean().item(), "loss": values["loss"].mean().item()}


def _statistics(name: str, values: Tensor) -> dict[str, float]:
    quantiles = torch.quantile(values, torch.tensor(list(QUANTILES.values()), dtype=values.dtype))
    named = zip(QUANTILES, quantiles.tolist(), strict=True)
    return {f"{name}_mean": values.mean().item()} | {f"{name}_{key}": q for key, q in named}
