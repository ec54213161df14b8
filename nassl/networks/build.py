"""From a genotype to a network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from nassl.genotypes import Genotype
from nassl.genotypes.block import BlockGenotype
from nassl.genotypes.cell import CellGenotype
from nassl.genotypes.dense import DenseGenotype
from nassl.genotypes.resnet import ResNetGenotype
from nassl.networks.block_network import BlockNetwork
from nassl.networks.cell_network import CellNetwork
from nassl.networks.dense_network import DenseNetwork
from nassl.networks.network import FeatureNetwork
from nassl.networks.resnet import ResNet
from nassl.settings import Network, SettingsError


def _sized(network: Network, space: str) -> Network:
    if network.channels < 1 or network.cells < 1:
        raise SettingsError(
            f"network has channels {network.channels} and cells {network.cells}; "
            f"a {space} genotype needs at least 1 of each"
        )
    return network


def _cell(genotype: CellGenotype, network: Network) -> FeatureNetwork:
    return CellNetwork(genotype, _sized(network, genotype.space))


def _resnet(genotype: ResNetGenotype, network: Network) -> FeatureNetwork:
    return ResNet(genotype.depth, network)


def _dense(genotype: DenseGenotype, network: Network) -> FeatureNetwork:
    return DenseNetwork(genotype, _sized(network, genotype.space))


def _block(genotype: BlockGenotype, network: Network) -> FeatureNetwork:
    return BlockNetwork(genotype, network.channels or 64, network.stem)


BUILDERS: dict[str, Callable[[Any, Network], FeatureNetwork]] = {
    "cell": _cell,
    "resnet": _resnet,
    "dense": _dense,
    "block": _block,
}


def build_network(
    genotype: Genotype, network: Network, image_size: int, auxiliary: bool = False
) -> FeatureNetwork:
    """The network of `genotype`, without a head: (B, 3, S, S) -> (B, feature_dim).

    With `auxiliary` it has `auxiliary_shape` (C, h, w), the shape of the map that
    `forward_with_auxiliary` returns besides the features. Raises SettingsError if the sizes in
    `network` do not fit the genotype's space.
    """
    if genotype.space not in BUILDERS:
        raise SettingsError(
            f"no network for the space {genotype.space!r}; available: {', '.join(BUILDERS)}"
        )
    built = BUILDERS[genotype.space](genotype, network)
    if auxiliary:
        if not isinstance(built, CellNetwork):
            raise SettingsError(
                f"objective.auxiliary_weight needs a cell genotype; {genotype.space!r} has no "
                "auxiliary head: set it to 0"
            )
        built.auxiliary_shape = _auxiliary_shape(built, image_size)
    return built


def _auxiliary_shape(network: CellNetwork, image_size: int) -> tuple[int, int, int]:
    training = network.training
    network.eval()
    with torch.no_grad():
        _, auxiliary = network.forward_with_auxiliary(torch.zeros(1, 3, image_size, image_size))
    network.train(training)
    channels, height, width = auxiliary.shape[1:]
    return channels, height, width
