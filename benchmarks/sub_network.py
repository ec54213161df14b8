"""A sampled sub-network of the over-parameterised block network against the discrete network.

Claims (ours: a training step of the sub-network inside the over-parameterised one; other: of the
discrete network with the same operations; a step is MoCo's loss, gradients, SGD, teacher, queue):
  sub_network_step    ours / other, wall time of a step
  sub_network_memory  ours / other, bytes that a step keeps for its backward pass; what both hold
                      whether or not they train (weights, student's and teacher's) is in the note

The search network of FaUNAE: 4, 5, 7, 4 blocks, half of ResNet-50's channels, here on 32x32 images
with the small stem. Promised: at most 1.15. Example:
`python -m benchmarks.sub_network --rounds 5` (about a minute).
"""

from __future__ import annotations

import torch
from torch import nn

from benchmarks.measure import command, compare, interleaved, matmul_peak, record
from nassl.genotypes.block import random_blocks
from nassl.networks.block_network import BlockNetwork
from nassl.networks.size import flops
from nassl.objectives.moco import MoCoObjective
from nassl.settings import BlockSpace, MoCo, Views
from nassl.supernets.block import BlockSupernet

SPACE = BlockSpace("block", 32, [4, 5, 7, 4], "cifar")
SIDE, BATCH = 32, 16


class Training:
    """A network with its objective and optimizer."""

    def __init__(self, network: nn.Module) -> None:
        torch.manual_seed(0)
        self.network = network.train()
        settings = MoCo("moco", 0.2, 0.999, 4096, "mlp", 0, 128, 1, Views("none"))
        self.objective = MoCoObjective(settings, network, lambda x: x.float() / 255).train()
        parameters = [*network.parameters(), *self.objective.trained_parameters()]
        self.optimizer = torch.optim.SGD(parameters, 0.03, momentum=0.9, weight_decay=1e-4)
        self.images = torch.randint(0, 256, (BATCH, 3, SIDE, SIDE), dtype=torch.uint8)

    def step(self) -> None:
        self.optimizer.zero_grad()
        self.objective.loss(self.network, self.images).backward()
        self.optimizer.step()
        self.objective.after_step(self.network)

    def held_bytes(self) -> int:
        """Weights of network, head, teacher, and the queue."""
        states = [self.network.state_dict(), self.objective.state_dict()]
        return sum(tensor.nbytes for state in states for tensor in state.values())

    def kept_bytes(self) -> int:
        """What the loss keeps for the backward pass, each storage counted once."""
        kept: dict[int, int] = {}

        def pack(tensor: torch.Tensor) -> torch.Tensor:
            storage = tensor.untyped_storage()
            kept[storage.data_ptr()] = storage.nbytes()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            loss = self.objective.loss(self.network, self.images)
        del loss
        return sum(kept.values())


def trainings() -> tuple[Training, Training, int]:
    """Ours, the discrete one, and the multiply-adds of one pass over a batch."""
    genotype = random_blocks(SPACE.depths, 0)
    supernet = BlockSupernet(SPACE)
    supernet.choice = genotype.choice
    discrete = BlockNetwork(genotype, SPACE.channels, SPACE.stem)
    return Training(supernet), Training(discrete), BATCH * flops(discrete, SIDE)


def sub_network_step(rounds: int) -> None:
    ours, discrete, work = trainings()
    timings = interleaved({"ours": ours.step, "discrete": discrete.step}, rounds, warmup=2)
    # Student forward and backward, teacher forward; two operations per multiply-add.
    compare(
        "sub_network_step",
        timings["ours"],
        timings["discrete"],
        2 * 4 * work,
        matmul_peak(),
        invert=True,
    )


def sub_network_memory(rounds: int) -> None:
    ours, discrete, _ = trainings()
    mine, other = ours.kept_bytes() / 1e6, discrete.kept_bytes() / 1e6
    held = [f"{each.held_bytes() / 1e6:.0f} MB" for each in (ours, discrete)]
    note = f"held besides: {held[0]}, other {held[1]}"
    record("sub_network_memory", mine, other, mine / other, "MB", 1, note=note)


CLAIMS = {function.__name__: function for function in (sub_network_step, sub_network_memory)}


if __name__ == "__main__":
    command(__doc__, CLAIMS, rounds=5)
