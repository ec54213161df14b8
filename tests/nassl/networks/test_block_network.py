from __future__ import annotations

import copy

import pytest
import torch

from nassl.genotypes import block
from nassl.genotypes.block_size import chain_parameters, random_as_large_as_resnet50
from nassl.networks.block_network import BlockNetwork
from nassl.networks.build import build_network
from nassl.settings import BlockSpace, Network
from nassl.supernets.block import BlockSupernet

SPACE = BlockSpace("block", channels=8, depths=[2, 3], stem="cifar")


def parameters(module):
    return sum(p.numel() for p in module.parameters())


def test_resnet50_has_torchvisions_parameters_and_outputs():
    from torchvision.models import resnet50

    torch.manual_seed(0)
    theirs = resnet50(weights=None)
    ours = build_network(block.resnet50((4, 5, 7, 4)), Network("imagenet", 64), 224)
    assert parameters(ours) + parameters(theirs.fc) == 25_557_032
    renamed = {}
    for name, value in theirs.state_dict().items():
        name = name.replace("conv2.", "operation.conv.").replace("bn2.", "operation.bn.")
        renamed[f"stem.{name}" if name.startswith(("conv1", "bn1")) else name] = value
    del renamed["fc.weight"], renamed["fc.bias"]
    ours.load_state_dict(renamed)
    theirs.fc = torch.nn.Identity()
    ours, theirs = ours.double().eval(), theirs.double().eval()
    x = torch.randn(1, 3, 64, 64, dtype=torch.float64)
    with torch.no_grad():
        torch.testing.assert_close(ours(x), theirs(x), rtol=1e-12, atol=1e-12)


def test_cifar_stem_keeps_the_resolution_and_stages_halve_it():
    network = BlockNetwork(block.random_blocks((1, 2, 1), 0), 8, "cifar")
    shapes = [tuple(m.shape) for m in network.stages(torch.randn(2, 3, 32, 32))]
    assert shapes == [(2, 32, 32, 32), (2, 64, 16, 16), (2, 128, 8, 8)]
    assert network.feature_dim == 128
    assert network(torch.randn(2, 3, 32, 32)).shape == (2, 128)


def same_weights(supernet: BlockSupernet) -> BlockNetwork:
    """The discrete network of the supernet's choice, with its weights."""
    network = BlockNetwork(supernet.genotype(), SPACE.channels, SPACE.stem)
    network.stem = copy.deepcopy(supernet.stem)
    found = [b for stage in range(1, 3) for b in getattr(network, f"layer{stage}")]
    pairs = [
        (candidate, name)
        for candidate, name in zip(supernet.blocks, supernet.choice, strict=True)
        if name != "identity"
    ]
    for target, (source, name) in zip(found, pairs, strict=True):
        state = source.operations[name].state_dict(prefix="operation.")
        shared = source.state_dict()
        state |= {k: v for k, v in shared.items() if not k.startswith("operations.")}
        target.load_state_dict(state)
    return network


@pytest.mark.parametrize("seed", range(4))
def test_supernet_equals_the_discrete_network_with_its_weights(seed):
    torch.manual_seed(seed)
    supernet = BlockSupernet(SPACE).double()
    supernet.choice = block.random_blocks(SPACE.depths, seed).choice
    network = same_weights(supernet).double()
    assert parameters(network) == sum(p.numel() for p in supernet.active_parameters())
    x = torch.randn(4, 3, 16, 16, dtype=torch.float64)
    ours, theirs = supernet(x), network(x)
    torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)
    ours.sum().backward()
    theirs.sum().backward()
    for mine, other in zip(supernet.stem.parameters(), network.stem.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, other.grad, rtol=1e-10, atol=1e-10)


def test_forward_touches_the_sampled_operations_only():
    supernet = BlockSupernet(SPACE)
    touched = []
    for number, candidate in enumerate(supernet.blocks):
        for name, operation in candidate.operations.items():
            operation.register_forward_hook(lambda *_, at=(number, name): touched.append(at))
    choice = ("conv_5x5", "identity", "sa_conv_3x3_r2", "conv_3x3", "identity")
    supernet.choice = choice
    supernet(torch.randn(2, 3, 16, 16)).sum().backward()
    assert touched == [(i, name) for i, name in enumerate(choice) if name != "identity"]
    changed = {id(p) for p in supernet.parameters() if p.grad is not None}
    assert changed == {id(p) for p in supernet.active_parameters()}


def test_choice_is_checked():
    supernet = BlockSupernet(SPACE)
    with pytest.raises(ValueError, match="2 operations for 5 places"):
        supernet.choice = ("conv_3x3", "conv_3x3")
    with pytest.raises(ValueError, match="place 0 has no operation 'identity'; available: conv"):
        supernet.choice = ("identity",) + ("conv_3x3",) * 4


def test_a_copy_has_its_own_modules_and_choice():
    supernet = BlockSupernet(SPACE)
    teacher = copy.deepcopy(supernet)
    supernet.choice = block.random_blocks(SPACE.depths, 1).choice
    assert teacher.choice != supernet.choice
    teacher.choice = supernet.choice
    supernet.active_parameters()
    teacher = copy.deepcopy(supernet)  # what was cached for the choice, too
    own = {id(p) for p in teacher.parameters()}
    assert all(id(p) in own for p in teacher.active_parameters())


def test_gates_mix_two_paths_and_only_gates_of_the_second_get_a_gradient():
    torch.manual_seed(0)
    supernet = BlockSupernet(SPACE).double()
    x = torch.randn(4, 3, 16, 16, dtype=torch.float64)
    plain = supernet(x)
    gates = [torch.tensor([1.0, 0.0], dtype=torch.float64, requires_grad=True) for _ in range(5)]
    supernet.gates = [("conv_5x5", gate) for gate in gates]
    gated = supernet(x)
    torch.testing.assert_close(gated, plain, rtol=1e-12, atol=1e-12)
    gated.sum().backward()
    assert all(gate.grad.abs().min() > 0 for gate in gates)
    supernet.zero_grad()
    half = torch.tensor([0.5, 0.5], dtype=torch.float64)
    supernet.gates = [("conv_5x5", half)] * 5
    supernet(x).sum().backward()
    for candidate in supernet.blocks:
        assert all(p.grad is None for p in candidate.operations["conv_5x5"].parameters())


def test_size_is_known_from_the_genotype_alone():
    resnet = block.resnet50()
    assert chain_parameters(resnet.depths, resnet.choice) == 23_508_032
    for name in block.OPERATIONS[:-1]:
        for channels in (4, 64):
            chain = block.from_choice((2, 1), [name, "identity", name])
            with torch.device("meta"):
                network = BlockNetwork(chain, channels, "imagenet")
            assert chain_parameters(chain.depths, chain.choice, channels) == parameters(network)


def test_random_chains_are_as_large_as_resnet50():
    depths = (4, 5, 7, 4)
    for seed in range(5):
        choice = random_as_large_as_resnet50(depths, seed).choice
        assert 21.15e6 < chain_parameters(depths, choice) < 25.86e6
    assert random_as_large_as_resnet50(depths, 1) == random_as_large_as_resnet50(depths, 1)
    assert random_as_large_as_resnet50(depths, 1) != random_as_large_as_resnet50(depths, 2)
