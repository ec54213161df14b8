"""ProxylessNAS in the block space: initialiser and baseline of FaUNAE (sec. III.A, table 2).

Cai, Zhu, Han: ProxylessNAS, ICLR 2019, sec. 3.2. Every step of the weights trains one path, drawn
by the softmax of alpha; every step of alpha compares two.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from nassl.data.batches import Batch
from nassl.genotypes.cell import alpha_entropy
from nassl.objectives.objective import Objective
from nassl.parallel.distributed import average
from nassl.parallel.precision import products
from nassl.settings import Proxyless, SettingsError
from nassl.supernets.block import BlockSupernet
from nassl.training.checkpoint import Checkpoints
from nassl.training.device import device_name
from nassl.training.discrete import initial_objective
from nassl.training.loop import Companion, batch_loss, train
from nassl.training.optimisers import build_optimizer, restore
from nassl.training.seeds import seed_step
from stages.runs.run import Run
from stages.search.alpha_gradients import unchanged_statistics
from stages.search.alphas import alpha_optimizer
from stages.search.data import Cycle, SearchData, open_search_data
from stages.search.found import Found
from stages.search.validation import validation_loss
from stages.training.curves import WrittenCurves
from stages.training.device import prepare_device


def search_proxyless(run: Run, inputs: Namespace, out: Path, checkpoints: Checkpoints) -> Found:
    """Trains the over-parameterised network and takes the operation of largest alpha everywhere."""
    strategy, space, seed = run.settings["strategy"], run.settings["space"], run.line.seed
    device = prepare_device(run)
    data = open_search_data(run, inputs, device, strategy.validation_fraction)
    seed_step(seed, 0, 0, "network")
    network = BlockSupernet(space).to(device)
    objective = initial_objective(
        run.settings["objective"], network, data.images, len(data.training.indices), seed,
        data.classes, space.stem,
    )  # fmt: skip
    seed_step(seed, 0, 0, "alpha")
    precision = run.settings["recipe"].precision
    steps = GateSteps(strategy, network, objective, data, seed, precision)
    train(
        network,
        objective,
        build_optimizer(
            run.settings["recipe"], [*network.parameters(), *objective.trained_parameters()]
        ),
        data.training,
        run.settings["recipe"],
        seed,
        checkpoints.part(),
        WrittenCurves(out / "curves"),
        steps,
        label=f"search {run.name}",
    )
    network.choice = steps.strongest()
    metrics = {
        "final_validation_loss": validation_loss(network, objective, data.held_out, seed),
        "validation_images": len(data.held_out.indices),
        "entropy": alpha_entropy([alpha.tolist() for alpha in steps.alphas]),
        "supernet_parameters": sum(p.numel() for p in network.parameters()),
    }
    return Found(network.genotype(), metrics, steps.history, device_name(device))


class GateSteps(Companion):
    """Before every step of the weights a path is drawn, and before it, every `alpha_every` steps, a
    step of alpha is taken on a validation batch."""

    def __init__(
        self,
        settings: Proxyless,
        network: BlockSupernet,
        objective: Objective,
        data: SearchData,
        seed: int,
        precision: str = "float32",
    ) -> None:
        self.settings, self.network, self.objective = settings, network, objective
        self.precision = precision
        self.validation, self.seed = Cycle(data.validation), seed
        self.steps = len(data.training) // settings.alpha_every  # of alpha, in an epoch
        if not self.steps:
            raise SettingsError(
                f"strategy.alpha_every is {settings.alpha_every}, but an epoch has "
                f"{len(data.training)} steps of the weights: alpha would never move"
            )
        device = next(network.parameters()).device
        self.alphas = [
            (1e-3 * torch.randn(len(names))).to(device).requires_grad_()
            for names in network.candidates
        ]
        self.optimizer = alpha_optimizer(self.alphas, settings)
        self.history: list[dict[str, Any]] = []
        self.total = 0.0  # of this epoch's validation losses

    @property
    def waited_seconds(self) -> float:
        return self.validation.batches.waited_seconds

    def before_step(self, epoch: int, step: int, batch: Batch) -> None:
        number, rest = divmod(step + 1, self.settings.alpha_every)
        if epoch >= self.settings.warmup_epochs and not rest:
            place = (epoch - self.settings.warmup_epochs) * self.steps + number - 1
            held_out = self.validation.at(place)
            seed_step(self.seed, epoch, step, "alpha")
            with unchanged_statistics(self.network, self.objective), products(self.precision):
                loss = two_path_step(
                    self.network,
                    self.alphas,
                    self.optimizer,
                    lambda: batch_loss(self.network, self.objective, held_out, self.precision),
                )
            self.total += loss
        seed_step(self.seed, epoch, step, "path")
        drawn = [int(torch.multinomial(alpha.detach().softmax(0), 1)) for alpha in self.alphas]
        self.network.choice = self._named(drawn)

    def after_epoch(self, epoch: int) -> dict[str, float]:
        alphas = [alpha.tolist() for alpha in self.alphas]
        self.history.append({"epoch": epoch + 1, "blocks": alphas})
        row = {"entropy": alpha_entropy(alphas)}
        if epoch >= self.settings.warmup_epochs:
            row["validation_loss"] = self.total / self.steps
        self.total = 0.0
        return row

    def strongest(self) -> list[str]:
        """The operation of largest alpha in every block."""
        return self._named([int(alpha.argmax()) for alpha in self.alphas])

    def _named(self, chosen: list[int]) -> list[str]:
        return [
            names[number] for names, number in zip(self.network.candidates, chosen, strict=True)
        ]

    def state_dict(self) -> dict[str, Any]:
        return {
            "alphas": [alpha.detach() for alpha in self.alphas],
            "optimizer": self.optimizer.state_dict(),
            "history": self.history,
            "total": self.total,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        with torch.no_grad():
            for alpha, value in zip(self.alphas, state["alphas"], strict=True):
                alpha.copy_(value)
        restore(self.optimizer, state["optimizer"])
        self.history, self.total = list(state["history"]), state["total"]


def two_path_step(
    network: BlockSupernet,
    alphas: list[Tensor],
    optimizer: torch.optim.Optimizer,
    loss: Callable[[], Tensor],
) -> float:
    """One step of alpha (ProxylessNAS sec. 3.2.1); returns the loss.

    Per block two operations are drawn by the softmax of alpha without replacement, and one of them
    is made active by the softmax of the two. The gradient of their gates goes to alpha by eq. 4.

    All other alphas keep their value, and the two are shifted together, so that the others keep
    their probability, as in ProxylessNAS' code.
    """
    pairs = [torch.multinomial(alpha.detach().softmax(0), 2) for alpha in alphas]
    for number, (alpha, pair) in enumerate(zip(alphas, pairs, strict=True)):
        active = torch.multinomial(alpha.detach()[pair].softmax(0), 1)
        pairs[number] = torch.cat([pair[active], pair[1 - active]])  # active first
    gates = [alpha.new_tensor([1.0, 0.0]).requires_grad_() for alpha in alphas]
    names = [
        [candidates[int(k)] for k in pair]
        for candidates, pair in zip(network.candidates, pairs, strict=True)
    ]
    network.choice = [chosen for chosen, _ in names]
    network.gates = [(second, gate) for (_, second), gate in zip(names, gates, strict=True)]
    try:
        value = loss()
        gradients = torch.autograd.grad(value, gates)
        value = value.detach()
        average([value, *gradients])
    finally:
        network.gates = None
    for alpha, pair, gradient in zip(alphas, pairs, gradients, strict=True):
        alpha.grad = torch.zeros_like(alpha)
        alpha.grad[pair] = alpha_gradient(alpha.detach()[pair], gradient)
    before = [alpha.detach().clone() for alpha in alphas]
    optimizer.step()
    with torch.no_grad():
        for alpha, old, pair in zip(alphas, before, pairs, strict=True):
            moved = alpha[pair]
            alpha.copy_(old)  # Adam's momentum moves the others too
            alpha[pair] = moved - (moved.logsumexp(0) - old[pair].logsumexp(0))
    return value.item()


def alpha_gradient(alpha: Tensor, gate_gradient: Tensor) -> Tensor:
    """Eq. 4 of ProxylessNAS for the alphas (2,) of two paths:
    dL/d alpha_i = sum_j dL/dg_j p_j (delta_ij - p_i)."""
    p = alpha.softmax(0)
    return p * (gate_gradient - (p * gate_gradient).sum())
