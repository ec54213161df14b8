"""DARTS with any objective: alternating steps of alpha and of the weights (SSNAS sec. 3.3, 3.5)."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from nassl.data.batches import Batch
from nassl.genotypes.cell import alpha_entropy, derive, skip_connections
from nassl.objectives.objective import Objective
from nassl.parallel.distributed import draw_apart
from nassl.parallel.precision import products
from nassl.settings import Darts
from nassl.supernets.cell import Supernet
from nassl.training.checkpoint import Checkpoints
from nassl.training.device import device_name
from nassl.training.discrete import initial_objective
from nassl.training.graphs import RecordedStep, recorder
from nassl.training.loop import Companion, batch_loss, evaluate, recordable_loss, train
from nassl.training.optimisers import build_optimizer, restore
from nassl.training.seeds import seed_step
from stages.runs.run import Run
from stages.search.alpha_gradients import first_order, second_order, unchanged_statistics
from stages.search.alphas import alpha_optimizer
from stages.search.data import Cycle, SearchData, open_search_data
from stages.search.found import Found
from stages.training.curves import WrittenCurves
from stages.training.device import prepare_device

COLLAPSE = 2  # more skip-connections than this in the normal cell: the known failure of DARTS


def search_darts(run: Run, inputs: Namespace, out: Path, checkpoints: Checkpoints) -> Found:
    """Trains the supernet and takes the strongest operations of its last alphas."""
    strategy, recipe, seed = run.settings["strategy"], run.settings["recipe"], run.line.seed
    space = run.settings["space"]
    strategy.check(f"search/{run.name}", recipe, space.operations())
    device = prepare_device(run)
    data = open_search_data(
        run, inputs, device, strategy.validation_fraction, strategy.separate_sets
    )

    seed_step(seed, 0, 0, "network")
    network = Supernet(space).to(device)
    objective = initial_objective(
        run.settings["objective"], network, data.images, len(data.training.indices), seed,
        data.classes, space.stem,
    )  # fmt: skip
    weights = [*network.weight_parameters(), *objective.trained_parameters()]
    optimizer = build_optimizer(recipe, weights)
    steps = AlphaSteps(strategy, network, objective, optimizer, data, seed, recipe.precision)
    train(
        network,
        objective,
        optimizer,
        data.training,
        recipe,
        seed,
        checkpoints.part(),
        WrittenCurves(out / "curves"),
        steps,
        label=f"search {run.name}",
    )
    held_out = evaluate(network, objective, data.held_out, seed)
    metrics = steps.summary()
    for name, value in (("loss", "loss"), ("accuracy", "correct"), ("margin", "margin")):
        if value in held_out:
            metrics[f"final_validation_{name}"] = held_out[value].mean().item()
    metrics["validation_images"] = len(held_out["loss"])
    metrics["supernet_parameters"] = sum(p.numel() for p in network.weight_parameters())
    return Found(network.genotype(), metrics, steps.history, device_name(device))


class AlphaSteps(Companion):
    """One step of alpha on a validation batch before every step of the weights.

    Only weight steps update running statistics, see `unchanged_statistics`.
    """

    def __init__(
        self,
        settings: Darts,
        network: nn.Module,
        objective: Objective,
        optimizer: torch.optim.Optimizer,
        data: SearchData,
        seed: int,
        precision: str = "float32",
    ) -> None:
        self.settings, self.network, self.objective = settings, network, objective
        self.optimizer, self.seed, self.precision = optimizer, seed, precision
        self.validation, self.steps = Cycle(data.validation), len(data.training)
        self.alphas = network.architecture_parameters()
        self.weights = optimizer.param_groups[0]["params"]
        self.alpha_optimizer = alpha_optimizer(self.alphas, settings)
        self.history: list[dict[str, Any]] = []
        device = self.alphas[0].device
        # Of this epoch's validation losses: added up where they are, read at its end.
        self.total = torch.zeros((), dtype=torch.float64, device=device)
        self.first_order = RecordedStep(self._first_order, recorder(device))

    @property
    def waited_seconds(self) -> float:
        return self.validation.batches.waited_seconds

    def before_step(self, epoch: int, step: int, batch: Batch) -> None:
        held_out = self.validation.at(epoch * self.steps + step)

        def training_loss() -> Tensor:
            seed_step(self.seed, epoch, step)  # the views that the weight step is going to see
            return batch_loss(self.network, self.objective, batch, self.precision)

        def validation_loss() -> Tensor:
            seed_step(self.seed, epoch, step, "alpha")
            return batch_loss(self.network, self.objective, held_out, self.precision)

        self._train_alphas(True)
        if self.settings.order == 1:
            seed_step(self.seed, epoch, step, "alpha")
            draw_apart()
            self.first_order(*held_out)
        else:
            with unchanged_statistics(self.network, self.objective):
                loss, gradients = second_order(
                    training_loss, validation_loss, self.alphas, self.weights, self.optimizer
                )
            self._step(loss, gradients)
        self._train_alphas(False)

    def _first_order(self, images: Tensor, labels: Tensor | None) -> None:
        """Everything that a step of first order does, on the device."""
        held_out = Batch(images, labels)
        with unchanged_statistics(self.network, self.objective), products(self.precision):
            loss, gradients = first_order(
                lambda: recordable_loss(self.network, self.objective, held_out, self.precision),
                self.alphas,
                self.weights,
            )
        self._step(loss, gradients)

    def _step(self, loss: Tensor, gradients: list[Tensor]) -> None:
        for alpha, gradient in zip(self.alphas, gradients, strict=True):
            alpha.grad = gradient
        self.alpha_optimizer.step()
        self.total += loss

    def after_epoch(self, epoch: int) -> dict[str, float]:
        normal, reduce = (alpha.tolist() for alpha in self.alphas)
        self.history.append({"epoch": epoch + 1, "normal": normal, "reduce": reduce})
        row = {"validation_loss": self.total.item() / self.steps, **describe(self.history[-1])}
        self.total.zero_()
        return row

    def summary(self) -> dict[str, Any]:
        """The last epoch's description, whether it is collapsed, and the last one that is not."""
        skips = [describe(entry)["skip_connections"] for entry in self.history]
        sound = [place for place, skip in enumerate(skips, start=1) if skip <= COLLAPSE]
        return {
            **describe(self.history[-1]),
            "collapsed": skips[-1] > COLLAPSE,
            "last_epoch_without_collapse": sound[-1] if sound else 0,
        }

    def state_dict(self) -> dict[str, Any]:
        # The alphas themselves are parameters of the network.
        state = {"history": self.history, "total": self.total.item()}
        return state | {"alpha_optimizer": self.alpha_optimizer.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.history = list(state["history"])
        self.total.fill_(state["total"])
        restore(self.alpha_optimizer, state["alpha_optimizer"])

    def _train_alphas(self, required: bool) -> None:
        """During a weight step alpha is a constant: its gradient is not computed."""
        for alpha in self.alphas:
            alpha.requires_grad_(required)


def describe(entry: dict[str, Any]) -> dict[str, float]:
    """Entropies of softmax(alpha) in nats, skip-connections of the derived normal cell."""
    genotype = derive(entry["normal"], entry["reduce"])
    return {
        "entropy_normal": alpha_entropy(entry["normal"]),
        "entropy_reduce": alpha_entropy(entry["reduce"]),
        "skip_connections": skip_connections(genotype.normal),
    }
