"""Training of a discrete network: its first weights, a function of the seed alone, and the loop.

Every stage that trains one starts here, so that the network which `probe` measures with random
weights is bit for bit the one that `pretrain` started from with that seed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from nassl.data.batches import Batches
from nassl.data.images import Images
from nassl.genotypes import Genotype
from nassl.networks.build import build_network
from nassl.networks.network import FeatureNetwork
from nassl.objectives.build import build_objective
from nassl.objectives.objective import Objective
from nassl.parallel.processes import rank, world_size
from nassl.settings import Network, Recipe
from nassl.training.checkpoint import Checkpoint
from nassl.training.curves import Curves
from nassl.training.loop import evaluate, train
from nassl.training.optimisers import build_optimizer
from nassl.training.seeds import seed_step


def initial_network(
    genotype: Genotype,
    settings: Network,
    image_size: int,
    seed: int,
    device: torch.device,
    auxiliary: bool = False,
) -> FeatureNetwork:
    """`build_network` with the random weights of `seed`, on `device`."""
    seed_step(seed, 0, 0, "network")
    return build_network(genotype, settings, image_size, auxiliary).to(device)


def initial_objective(
    settings: Any,
    network: FeatureNetwork,
    images: Images,
    trained_on: int,
    seed: int,
    classes: int = 0,
    stem: str = "cifar",
) -> Objective:
    """`build_objective` for `network` and the `trained_on` of `images` that it will be trained on,
    with the random weights of `seed`; a search network's too.

    Drawn apart from the network's: a head of another size leaves the network's weights as they are.
    """
    seed_step(seed, 0, 0, "objective")
    statistics = images.mean, images.std
    return build_objective(settings, network, *statistics, classes, stem, trained_on)


def fit(
    network: nn.Module,
    objective: Objective,
    images: Images,
    labels: Tensor | None,
    indices: np.ndarray,
    recipe: Recipe,
    seed: int,
    checkpoint: Checkpoint,
    curves: Curves,
    label: str,
) -> float:
    """Trains `network` and the objective's heads on `images[indices]` as the recipe says, where the
    network is. Returns the mean training loss of the last epoch. Raises what `train` raises."""
    device = next(network.parameters()).device
    part = rank(), world_size()
    batches = Batches(images, labels, indices, recipe.batch_size, seed, device=device, part=part)
    parameters = [*network.parameters(), *objective.trained_parameters()]
    optimizer = build_optimizer(recipe, parameters)
    train(
        network, objective, optimizer, batches, recipe, seed, checkpoint, curves, label=label
    )  # fmt: skip
    return curves.rows[-1]["train_loss"]


def evaluate_once(
    network: nn.Module,
    objective: Objective,
    images: Images,
    labels: Tensor | None,
    indices: np.ndarray,
    batch_size: int,
) -> dict[str, Tensor]:
    """`objective.evaluate` of every image in `images[indices]`, in their order, each value (N,)."""
    device = next(network.parameters()).device
    batches = Batches(
        images, labels, indices, batch_size, 0, drop_last=False, shuffle=False, device=device
    )
    return evaluate(network, objective, batches, 0)
