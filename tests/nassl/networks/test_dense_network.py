from __future__ import annotations

import pytest
import torch

from nassl.genotypes import dense
from nassl.networks.build import build_network
from nassl.networks.dense_network import DenseNetwork
from nassl.settings import DenseSpace, Network
from nassl.supernets.dense import DenseSupernet

SPACE = DenseSpace("dense", channels=4, cells=3, stem="cifar", edges="all")


def discrete(supernet: DenseSupernet):
    """The discrete network of the supernet's choice, with its weights."""
    network = DenseNetwork(
        supernet.genotype(), Network("cifar", SPACE.channels, SPACE.cells), pool_norm=True
    )
    network.stem.load_state_dict(supernet.stem.state_dict())
    for target, source in zip(network.cells, supernet.cells, strict=True):
        target.preprocess0.load_state_dict(source.preprocess0.state_dict())
        target.preprocess1.load_state_dict(source.preprocess1.state_dict())
        start = 14 if source.reduction else 0
        for edge, operation in target.operations.items():
            name = supernet.choice[start + int(edge)]
            operation.load_state_dict(source.edges[int(edge)][name].state_dict())
    return network


@pytest.mark.parametrize("seed", range(4))
def test_supernet_equals_the_discrete_network_with_its_weights(seed):
    torch.manual_seed(seed)
    supernet = DenseSupernet(SPACE).double()
    supernet.choice = dense.random_dense(seed).choice
    network = discrete(supernet).double()
    used = sum(p.numel() for p in network.parameters())
    assert used == sum(p.numel() for p in supernet.active_parameters())
    x = torch.randn(3, 3, 16, 16, dtype=torch.float64)
    torch.testing.assert_close(supernet(x), network(x), rtol=1e-12, atol=1e-12)


def test_each_edge_gets_what_its_operation_gives():
    """A cell by hand: node sums over all edges, none adds nothing."""
    torch.manual_seed(0)
    supernet = DenseSupernet(SPACE).double()
    supernet.choice = dense.random_dense(5).choice
    cell = supernet.cells[0]
    older, newer = (torch.randn(2, 12, 8, 8, dtype=torch.float64) for _ in range(2))
    states = [cell.preprocess0(older), cell.preprocess1(newer)]
    edge = 0
    for node in range(4):
        total = torch.zeros_like(states[0])
        for predecessor in range(2 + node):
            name = supernet.choice[edge]
            if name != "none":
                total = total + cell.edges[edge][name](states[predecessor])
            edge += 1
        states.append(total)
    found = cell(older, newer, supernet.choice[:14])
    torch.testing.assert_close(found, torch.cat(states[2:], 1), rtol=1e-12, atol=1e-12)


def test_a_cell_of_nothing_is_zero_of_the_right_size():
    supernet = DenseSupernet(SPACE)
    supernet.choice = ("none",) * 28
    sides = []
    for cell in supernet.cells:
        cell.register_forward_hook(lambda m, i, y: sides.append((y.shape[-1], y.abs().max())))
    supernet(torch.randn(2, 3, 9, 9))
    assert sides == [(9, 0), (5, 0), (3, 0)]


def test_published_sizes_are_sizes_of_dense_cells_of_ten_layers():
    """FaUNAE table 1 gives no genotype as text; its 9.1 M and 69.8 M (36 and 100 channels) lie
    within the sizes of random ones, and their ratio is that of one genotype at both widths."""
    sizes = []
    with torch.device("meta"):
        for seed in range(14):
            genotype = dense.random_dense(seed)
            networks = [build_network(genotype, Network("cifar", c, 10), 32) for c in (36, 100)]
            sizes.append([sum(p.numel() for p in n.parameters()) / 1e6 for n in networks])
    thin, wide = (sorted(column) for column in zip(*sizes, strict=True))
    assert thin[0] < 9.1 < thin[-1]
    assert wide[0] < 69.8 < wide[-1]
    assert min(b / a for a, b in sizes) < 69.8 / 9.1 < max(b / a for a, b in sizes)


def test_sizes_are_those_of_the_modules():
    supernet = DenseSupernet(SPACE)
    sizes = supernet.sizes()
    assert sizes[0]["none"] == sizes[0]["skip_connect"] == 0
    # one normal cell of 4 channels: 9 * 4 * 4 weights, 2 * 4 of the batch norm
    assert sizes[0]["conv_3x3"] == pytest.approx(152e-6)
    # two reduction cells of 8 and 16 channels
    assert sizes[14]["conv_3x3"] == pytest.approx((9 * 64 + 16 + 9 * 256 + 32) * 1e-6)


def test_what_is_trained_has_no_batch_norm_after_pools():
    genotype = dense.from_choice(["max_pool_3x3", "avg_pool_3x3"] * 14)
    network = build_network(genotype, Network("cifar", 4, 3), 16)
    assert not any(
        isinstance(module, torch.nn.BatchNorm2d)
        for cell in network.cells
        for module in cell.operations.modules()
    )
    torch.nn.functional.mse_loss(network(torch.randn(2, 3, 16, 16)), torch.zeros(2, 64)).backward()
