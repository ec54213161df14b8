"""Two processes against one with the whole batch. Run as a script, this file is such a process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from torch import nn

from nassl.objectives.moco import MoCoObjective
from nassl.objectives.simclr import SimCLRObjective
from nassl.parallel import path
from nassl.parallel.distributed import (
    from_first,
    gather,
    gather_with_gradient,
    own_part,
    rank,
    world_size,
)
from nassl.parallel.synchronised import synchronise
from nassl.settings import CellSpace, MoCo, SimCLR, Views
from nassl.supernets.cell import Supernet

ROOT = Path(__file__).parents[3]
WORLD, EACH, STEPS = 2, 4, 5  # processes; images of each in a batch; steps
# name -> objective, parts with statistics of their own in each process, dtype, tolerance. The order
# of summation differs, hence the tolerances; a wrong mean exceeds them ten times over.
CASES = {
    "moco": ("moco", 1, torch.float64, 1e-12),
    "moco-groups": ("moco", 2, torch.float64, 1e-12),
    "moco-float32": ("moco", 1, torch.float32, 1e-5),
    "simclr": ("simclr", 1, torch.float64, 1e-12),
    "simclr-float32": ("simclr", 1, torch.float32, 1e-5),
}


class Tiny(nn.Module):
    """(B, 3, 4, 4) -> (B, 5), with batch norm. `devices` > 1: two views as on that many devices."""

    feature_dim = 5

    def __init__(self, devices: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 5, 3)
        self.bn = nn.BatchNorm2d(5)
        self.devices = devices

    def forward(self, x):
        if self.devices == 1:
            return self.bn(self.conv(x)).relu().mean((2, 3))
        first, second = (views.chunk(self.devices) for views in x.chunk(2))
        parts = [self.bn(self.conv(torch.cat(pair))) for pair in zip(first, second, strict=True)]
        y = torch.stack([part.relu().mean((2, 3)) for part in parts])  # (devices, 2B, 5)
        return y.unflatten(1, (2, -1)).transpose(0, 1).flatten(0, 2)


def two_views(images):
    """As they are, and mirrored: nothing is drawn, so that processes see what one process sees."""
    first, second = images.chunk(2)
    return torch.cat([first, second.flip(3)]).double() / 255


def trained(case, processes):
    """Losses, weights, teacher and queue after STEPS steps; `processes` 1: of the whole batch."""
    kind, groups, dtype, _ = CASES[case]
    devices = 1 if processes > 1 else WORLD
    torch.manual_seed(0)
    network = Tiny(devices if kind == "simclr" else 1)
    if kind == "moco":
        settings = MoCo("moco", 0.2, 0.9, 24, "mlp", 7, 6, groups * WORLD, Views("none"))
        objective = MoCoObjective(settings, network, two_views)
    else:
        objective = SimCLRObjective(SimCLR("simclr", 0.2, 7, 6, Views("none")), network, two_views)
    network, objective = network.to(dtype).train(), objective.to(dtype).train()
    parameters = [*network.parameters(), *objective.trained_parameters()]
    optimizer = torch.optim.SGD(parameters, lr=0.1)
    losses = []
    for step in range(STEPS):
        generator = torch.Generator().manual_seed(step)
        images = torch.randint(
            0, 256, (WORLD * EACH, 3, 4, 4), dtype=torch.uint8, generator=generator
        )
        torch.manual_seed(100 * rank() + step)  # the first process's order of shuffling holds
        loss = objective.loss(network, images if processes == 1 else own_part(images))
        optimizer.zero_grad()
        loss.backward()
        value = loss.detach().clone()
        for x in [value, *(p.grad for p in parameters)] if processes > 1 else []:
            dist.all_reduce(x)
            x /= processes  # as DistributedDataParallel does
        optimizer.step()
        objective.after_step(network)
        losses.append(value)
    moved = [p.detach() for p in [*network.parameters(), *objective.parameters()]]
    return {
        "losses": torch.stack(losses),
        "moved": torch.cat([p.flatten() for p in moved]),
        "queue": getattr(objective, "queue", torch.zeros(0, dtype=dtype)),
    }


def collectives():
    """What each of them gives in this process for x = (10 * rank, 10 * rank + 1)."""
    x = torch.tensor([10.0 * rank(), 10.0 * rank() + 1], requires_grad=True)
    everyones = gather_with_gradient(x)
    # Process r makes of it r + 1 times the sum of (1, 2, 3, 4) * everyones.
    (everyones * torch.arange(1.0, 5.0) * (rank() + 1)).sum().backward()
    return {
        "world": torch.tensor([world_size(), rank()]),
        "gathered": gather(x.detach()),
        "gathered_with_gradient": everyones.detach(),
        "gradient": x.grad,
        "own": own_part(gather(x.detach())),
        "from_first": from_first(x.detach().clone()),
    }


def searched(processes):
    """Features, gradients and statistics of a supernet as a GPU computes it, and the number of
    messages between processes: of this process's share of the images."""
    torch.manual_seed(0)
    network = Supernet(CellSpace("cell", 2, 3, "cifar")).double()
    images = torch.randn(WORLD * EACH, 3, 8, 8, dtype=torch.float64)
    synchronise(network)
    messages, originals = [0], (dist.all_gather, dist.all_reduce)

    def counting(original):
        def called(*arguments, **options):
            messages[0] += 1
            return original(*arguments, **options)

        return called

    dist.all_gather, dist.all_reduce = map(counting, originals)
    path.forced = True
    try:
        features = network(images if processes == 1 else own_part(images))
        features.sin().sum().backward()
    finally:
        path.forced = False
        dist.all_gather, dist.all_reduce = originals
    gradients = [p.grad for p in network.parameters()]
    for gradient in gradients if processes > 1 else []:
        dist.all_reduce(gradient)
    return {
        "features": gather(features.detach()),
        "gradients": torch.cat([gradient.flatten() for gradient in gradients]),
        "statistics": torch.cat([b.double().flatten() for b in network.buffers()]),
        "messages": torch.tensor(messages),
    }


def process(folder):
    store = (folder / "store").as_uri()
    number = int(sys.argv[2])
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=store, rank=number, world_size=WORLD)
    results = {case: trained(case, WORLD) for case in CASES} | {"collectives": collectives()}
    results["searched"] = searched(WORLD)
    torch.save(results, folder / f"{number}.pt")
    dist.destroy_process_group()


@pytest.fixture(scope="module")
def of_processes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("processes")
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    started = [
        subprocess.Popen(
            [sys.executable, __file__, str(folder), str(number)],
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(WORLD)
    ]
    for each in started:
        _, said = each.communicate(timeout=120)
        assert each.returncode == 0, said
    return [torch.load(folder / f"{number}.pt", weights_only=True) for number in range(WORLD)]


@pytest.mark.parametrize("case", CASES)
def test_two_processes_train_as_one_with_the_whole_batch(of_processes, case):
    tolerance = {"rtol": CASES[case][3], "atol": CASES[case][3]}
    expected = trained(case, 1)
    assert len(expected["losses"].unique()) == STEPS  # it does move
    for found in of_processes:
        for name, value in expected.items():
            torch.testing.assert_close(found[case][name], value, **tolerance)


@pytest.mark.parametrize("case", CASES)
def test_all_processes_hold_the_same_bits(of_processes, case):
    first, second = (each[case] for each in of_processes)
    for name in first:
        assert torch.equal(first[name], second[name]), name


def test_batch_norm_over_processes_on_a_gpus_way(of_processes):
    """A supernet in two processes is one of the whole batch, with two messages for a batch norm of
    all edges of a group: 3 cells of 4 groups with 8 norms, 2 before each cell, 1 in the stem, and
    in the reduction cells the skips of their inputs."""
    expected = searched(1)
    norms = 3 * (4 * 8 + 2) + 1 + 2
    for found in (each["searched"] for each in of_processes):
        for name in ("features", "gradients", "statistics"):
            torch.testing.assert_close(found[name], expected[name], rtol=1e-9, atol=1e-9)
        assert found["messages"].item() == 2 * norms
    assert expected["messages"].item() == 0


def test_collectives_between_two_processes(of_processes):
    for number, found in enumerate(each["collectives"] for each in of_processes):
        assert found["world"].tolist() == [2, number]
        assert found["gathered"].tolist() == [0, 1, 10, 11]
        assert found["gathered_with_gradient"].tolist() == [0, 1, 10, 11]
        # (1 + 2) times the factors of this process's own two rows
        assert found["gradient"].tolist() == [[3, 6], [9, 12]][number]
        assert found["own"].tolist() == [10 * number, 10 * number + 1]
        assert found["from_first"].tolist() == [0, 1]


def test_one_process_without_a_group_gets_its_own_tensors_back():
    x = torch.ones(2, requires_grad=True)
    assert (world_size(), rank()) == (1, 0)
    assert all(f(x) is x for f in (gather, gather_with_gradient, own_part, from_first))


if __name__ == "__main__":
    process(Path(sys.argv[1]))
