"""Scores of a network that has not been trained, from the literature; neither reads a label."""

from __future__ import annotations

import copy
import math

import torch
from torch import Tensor, nn

from nassl.data.images import Images
from nassl.data.views import PlainView
from nassl.networks.network import FeatureNetwork

SMALLEST = 1e-5  # k of Mellor et al.'s code


def untrained_scores(
    network: FeatureNetwork, images: Images, chosen: list[int], side: int
) -> dict[str, float]:
    """`synflow` and `jacobian_covariance` of the network as it was drawn, high is good; on the
    plain view of `images[chosen]`. The network is left as it is."""
    device = next(network.parameters()).device
    view = PlainView(images.mean, images.std, side)
    return {
        "synflow": synflow(network, side),
        "jacobian_covariance": jacobian_covariance(network, view(images.batch(chosen).to(device))),
    }


def synflow(network: FeatureNetwork, side: int) -> float:
    """Natural logarithm of the sum over the weights w of convolutions and linear layers of
    |w dR/dw|, where R is the sum of the outputs for an image of ones, with every parameter replaced
    by its absolute value and batch norm by the identity (Tanaka et al. 2020, eq. 2 and algorithm 1;
    summed over a network and without batch norm as in Abdelfattah et al. 2021, sec. 3.2).

    R is of the pooled features: without labels there are no classes. In double precision, as a
    product over all layers leaves single precision's range. Raises ValueError if no path leads
    through the network.
    """
    shadow = copy.deepcopy(network).double().eval()
    for module in shadow.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.reset_running_stats()  # mean 0, variance 1
            module.eps = 0.0
    with torch.no_grad():
        for parameter in shadow.parameters():
            parameter.abs_()
    device = next(shadow.parameters()).device
    shadow(torch.ones(1, 3, side, side, dtype=torch.float64, device=device)).sum().backward()
    total = 0.0
    for module in shadow.modules():
        if isinstance(module, nn.Conv2d | nn.Linear) and module.weight.grad is not None:
            total += (module.weight * module.weight.grad).abs().sum().item()
    if not 0 < total < math.inf:
        raise ValueError(f"synflow is {total}: a finite number above 0 is expected")
    return math.log(total)


def jacobian_covariance(network: FeatureNetwork, views: Tensor) -> float:
    """How differently the network answers to each of the images (B, 3, S, S): minus the sum over
    the eigenvalues v of the (B, B) correlations between the rows of the Jacobian of log(v + k) +
    1 / (v + k), k = 1e-5 (Mellor et al., arXiv:2006.04647v1, sec. 3 and code).

    A row is the gradient of the sum of an image's features with respect to the image (their code:
    of the sum of the logits), with batch norm in training mode, as there.
    """
    shadow = copy.deepcopy(network).train()
    inputs = views.detach().requires_grad_(True)
    (gradient,) = torch.autograd.grad(shadow(inputs).sum(), inputs)
    rows = gradient.flatten(1).double()
    return correlation_score(rows)


def correlation_score(rows: Tensor) -> float:
    """The score of a Jacobian (B, D) in double precision."""
    eigenvalues = torch.linalg.eigvalsh(torch.corrcoef(rows)) + SMALLEST
    return -(eigenvalues.log() + 1 / eigenvalues).sum().item()
