"""MoCo of weight-sharing networks: the teacher has the architecture of the student."""

from __future__ import annotations

import torch

from nassl.objectives.moco import MoCoObjective
from nassl.settings import BlockSpace, CellSpace
from nassl.supernets.block import BlockSupernet
from nassl.supernets.cell import Supernet
from tests.nassl.objectives.test_moco import noisy, pictures, settings


def test_teacher_of_a_supernet_follows_and_only_the_sub_network_moves():
    torch.manual_seed(0)
    network = BlockSupernet(BlockSpace("block", 4, [1, 2], "cifar")).double()
    objective = MoCoObjective(settings(), network, noisy).double().train()
    network.choice = ("conv_5x5", "sa_conv_3x3_r2", "identity")
    with torch.no_grad():
        for p in network.parameters():
            p.add_(1)
    before = {n: p.clone() for n, p in objective.teacher.named_parameters()}
    objective.loss(network, pictures(4))
    assert objective.teacher.choice == network.choice
    objective.after_step(network)
    moved = {n for n, p in objective.teacher.named_parameters() if not torch.equal(p, before[n])}
    active = {id(p) for p in network.active_parameters()}
    assert moved == {n for n, p in network.named_parameters() if id(p) in active}


def test_teacher_of_a_search_has_the_alphas_of_the_student():
    network = Supernet(CellSpace("cell", 4, 3, "cifar"))
    objective = MoCoObjective(settings(), network, lambda x: x.float()).train()
    with torch.no_grad():
        for alpha in network.architecture_parameters():
            alpha.add_(1)
    objective.loss(network, pictures(4))
    pairs = zip(
        objective.teacher.architecture_parameters(), network.architecture_parameters(), strict=True
    )
    for mine, other in pairs:
        assert torch.equal(mine, other)
