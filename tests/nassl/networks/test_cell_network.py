from __future__ import annotations

from pathlib import Path

import pytest
import torch

from nassl.genotypes import read_genotype
from nassl.genotypes.cell import CELL_OPERATIONS, EDGES, CellGenotype, edge_index, random_genotype
from nassl.genotypes.resnet import ResNetGenotype
from nassl.networks.auxiliary import AuxiliaryHead
from nassl.networks.build import build_network
from nassl.networks.cell_network import CellNetwork
from nassl.networks.size import flops, parameters
from nassl.settings import CellSpace, Network, SettingsError
from nassl.supernets.cell import Supernet

DARTS_V2 = Path(__file__).parents[2] / "fixtures" / "darts_v2.json"


class Classifier(torch.nn.Module):
    def __init__(self, network, classes):
        super().__init__()
        self.network = network
        self.head = torch.nn.Linear(network.feature_dim, classes)

    def forward(self, x):
        return self.head(self.network(x))


def test_published_sizes_of_the_published_cell():
    network = build_network(read_genotype(DARTS_V2), Network("cifar", 36, 20), 32, auxiliary=True)
    classifier = Classifier(network, 10)
    assert parameters(classifier) == 3_349_342
    assert flops(classifier, 32) == 528_359_040
    assert network.auxiliary_shape == (576, 8, 8)
    # 576 * 128 + 2 * 128 + 128 * 768 * 4 + 2 * 768 + 769 * 10 of DARTS' auxiliary head
    assert parameters(AuxiliaryHead(network.auxiliary_shape, 10)) == 476_426


def one_hot(cell):
    mixing = torch.zeros(EDGES, len(CELL_OPERATIONS), dtype=torch.float64)
    for node, edges in enumerate(cell):
        for operation, state in edges:
            mixing[edge_index(node, state), CELL_OPERATIONS.index(operation)] = 1
        for state in set(range(2 + node)) - {state for _, state in edges}:
            mixing[edge_index(node, state), 0] = 1  # none
    return mixing


def copy_weights(supernet, network, genotype):
    network.stem.load_state_dict(supernet.stem.state_dict())
    for mixed, discrete in zip(supernet.cells, network.cells, strict=True):
        discrete.preprocess0.load_state_dict(mixed.preprocess0.state_dict())
        discrete.preprocess1.load_state_dict(mixed.preprocess1.state_dict())
        cell = genotype.reduce if mixed.reduction else genotype.normal
        kept = [(node, *edge) for node, edges in enumerate(cell) for edge in edges]
        for module, (node, operation, state) in zip(discrete.operations, kept, strict=True):
            if operation.endswith("pool_3x3"):
                source = getattr(mixed.sources[state], operation.removesuffix("_3x3"))
            else:
                edge = mixed.edges[edge_index(node, state)]
                source = edge[operation] if operation in edge else torch.nn.Identity()
            module.load_state_dict(source.state_dict())


@pytest.mark.parametrize("stem", ["cifar", "imagenet"])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_one_hot_supernet_is_the_discrete_network(stem, seed):
    torch.manual_seed(seed)
    genotype = random_genotype(seed)
    supernet = Supernet(CellSpace("cell", 4, 3, stem)).double()
    network = CellNetwork(genotype, Network(stem, 4, 3), affine=False).double()
    copy_weights(supernet, network, genotype)
    images = torch.randn(2, 3, 40, 24, dtype=torch.float64)
    mixing = one_hot(genotype.normal), one_hot(genotype.reduce)
    for training in (True, False):
        supernet.train(training)
        network.train(training)
        ours, expected = supernet(images, mixing), network(images)
        torch.testing.assert_close(ours, expected, rtol=0, atol=1e-10)
    with torch.no_grad():  # a saturated softmax does the same
        for alpha, weights in zip(supernet.architecture_parameters(), mixing, strict=True):
            alpha.copy_(1000 * weights)
    torch.testing.assert_close(supernet(images), expected, rtol=0, atol=1e-10)


def test_auxiliary_map_is_the_second_reduction():
    network = build_network(random_genotype(0), Network("cifar", 4, 5), 16, auxiliary=True).eval()
    images = torch.randn(2, 3, 16, 16)
    features, auxiliary = network.forward_with_auxiliary(images)
    assert network.auxiliary_shape == tuple(auxiliary.shape[1:]) == (64, 4, 4)
    torch.testing.assert_close(auxiliary, network.maps(images)[3])
    torch.testing.assert_close(features, network(images))
    assert network.training is False


@pytest.mark.parametrize("side", [1, 2, 4, 7, 8, 14])
@pytest.mark.parametrize("stem", ["cifar", "imagenet"])
def test_auxiliary_head_takes_any_map(side, stem):
    head = AuxiliaryHead((6, side, side), 3, stem)
    maps = torch.randn(2, 6, side, side)
    assert head(maps).shape == (2, 3)


@pytest.mark.parametrize(("stem", "side", "stride"), [("cifar", 8, 3), ("imagenet", 7, 2)])
def test_auxiliary_pooling_is_that_of_darts(stem, side, stride):
    head = AuxiliaryHead((6, side, side), 3, stem).eval()
    maps = torch.randn(2, 6, side, side)
    pool = torch.nn.AvgPool2d(5, stride=stride, padding=0, count_include_pad=False)
    expected = head.classifier(head.features(pool(maps.relu())).flatten(1))
    torch.testing.assert_close(head(maps), expected)
    norms = [m for m in head.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert len(norms) == (2 if stem == "cifar" else 1)


def test_drop_path_drops_whole_edges_of_an_image_but_no_identity():
    cell = ((("skip_connect", 0), ("sep_conv_3x3", 1)),) * 4
    network = CellNetwork(CellGenotype(cell, cell), Network("cifar", 4, 3))
    module = network.cells[0]
    network.drop_path = 0.4
    torch.manual_seed(0)
    x = torch.ones(2000, 4, 1, 1)
    identity, convolution = torch.nn.Identity(), torch.nn.Sequential()
    assert torch.equal(module.edge(identity, x, 0.4), x)
    dropped = module.edge(convolution, x, 0.4)
    assert dropped.unique().tolist() == pytest.approx([0.0, 1 / 0.6])
    assert torch.equal(dropped, dropped[:, :1].expand_as(dropped))
    assert (dropped[:, 0] == 0).float().mean().item() == pytest.approx(0.4, abs=0.05)
    network.eval()
    assert torch.equal(module.edge(convolution, x, 0.4), x)


@pytest.mark.parametrize(
    ("depth", "stem", "classes", "side", "size", "work"),
    [
        (18, "imagenet", 1000, 224, 11_689_512, 1_814_073_344),
        (50, "imagenet", 1000, 224, 25_557_032, 4_089_184_256),
        (18, "cifar", 10, 32, 11_173_962, 555_422_720),
        (50, "cifar", 10, 32, 23_520_842, 1_297_829_888),
    ],
)
def test_published_sizes_of_resnets(depth, stem, classes, side, size, work):
    with torch.device("meta"):
        network = build_network(ResNetGenotype(depth), Network(stem), side)
        classifier = Classifier(network, classes)
    assert parameters(classifier) == size
    assert flops(classifier, side) == work


@pytest.mark.parametrize("depth", [18, 50])
def test_resnets_take_torchvision_weights(depth):
    import torchvision

    torch.manual_seed(0)
    theirs = getattr(torchvision.models, f"resnet{depth}")().eval()
    theirs.fc = torch.nn.Identity()
    ours = build_network(ResNetGenotype(depth), Network("imagenet"), 64).eval()
    ours.load_state_dict(theirs.state_dict())
    images = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(ours(images), theirs(images), rtol=1e-4, atol=1e-4)


def test_narrow_resnet():
    network = build_network(ResNetGenotype(18), Network("cifar", channels=8), 16)
    assert network(torch.randn(2, 3, 16, 16)).shape == (2, 64) == (2, network.feature_dim)


def test_refusals():
    cell = random_genotype(0)
    with pytest.raises(SettingsError, match="channels 0 and cells 5; a cell genotype needs"):
        build_network(cell, Network("cifar", 0, 5), 32)
    with pytest.raises(SettingsError, match="stem is 'vit'; available: cifar, imagenet"):
        build_network(cell, Network("vit", 4, 5), 32)
    with pytest.raises(SettingsError, match="stem is 'vit'; available: cifar, imagenet"):
        build_network(ResNetGenotype(18), Network("vit"), 32)
    with pytest.raises(SettingsError, match="'resnet' has no auxiliary head"):
        build_network(ResNetGenotype(18), Network("cifar"), 32, auxiliary=True)
    with pytest.raises(SettingsError, match=r"drop_path is 0.2; resnets have none"):
        build_network(ResNetGenotype(18), Network("cifar", 8), 32).drop_path = 0.2
