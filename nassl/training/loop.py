"""The training loop of every stage: epochs of steps, resumable after any of them, bit for bit.

What is drawn in a step depends on (seed, epoch, step) alone, and the order of the images on
(seed, epoch); hence modules, optimisers, the place, and the curves are all that a checkpoint holds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from nassl.data.batches import Batch
from nassl.files import InputError
from nassl.networks.network import FeatureNetwork
from nassl.objectives.objective import Objective
from nassl.parallel.distributed import any_of, average, draw_apart
from nassl.parallel.precision import autocast, products
from nassl.parallel.synchronised import synchronise
from nassl.settings import Recipe
from nassl.training.checkpoint import Checkpoint
from nassl.training.curves import Curves
from nassl.training.graphs import RecordedStep, recorder
from nassl.training.memory import explain_memory
from nassl.training.non_finite import NonFiniteError
from nassl.training.optimisers import learning_rate, restore, set_learning_rate
from nassl.training.progress import Progress
from nassl.training.seeds import seed_step
from nassl.training.waiting import Waiting, slowed_down


class Companion:
    """What a stage does besides the weight steps; this base class does nothing.

    `state_dict` must hold, in tensors and plain Python values, all that the later calls depend on.
    `waited_seconds` are those that it has waited for data of its own.
    """

    waited_seconds = 0.0

    def before_epoch(self, epoch: int) -> None:
        """Called before the first step of an epoch only, not when resuming within it."""

    def before_step(self, epoch: int, step: int, batch: Any) -> None:
        """Called before the weight step with its batch, torch seeded with the stream `beside`."""

    def after_epoch(self, epoch: int) -> dict[str, float]:
        """Values for the curves, beside the training loss and the learning rate."""
        return {}

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        pass


def train(
    network: nn.Module,
    objective: Objective,
    optimizer: torch.optim.Optimizer,
    batches: Any,
    recipe: Recipe,
    seed: int,
    checkpoint: Checkpoint,
    curves: Curves,
    companion: Companion | None = None,
    label: str = "training",
) -> None:
    """Trains what `optimizer` holds for `recipe.epochs` epochs over `batches`.

    `objective.loss(network, images, labels)` is the loss of a batch; the gradient of all parameters
    of the optimizer is clipped together. Picks up the checkpoint if there is one. `companion` does
    what a stage needs besides (an alpha step, a validation). A FeatureNetwork gets the epoch's
    `drop_path`.

    Several processes train one network, each on its part of every batch: the gradient is the mean
    of theirs, batch norm sees the whole batch (unless the objective wants its `own_statistics`).

    On a GPU a step is recorded as a graph (`graphs`). The loss is read once in a step, after it.

    Raises NonFiniteError, InputError (batches that cannot be trained on, out of memory), and
    SystemExit(75) after SIGTERM or SIGINT, then with the step finished and saved.
    """
    companion = companion or Companion()
    steps = len(batches)
    _check_batches(batches, [network, objective])
    if not objective.own_statistics:
        synchronise(network, objective)
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    stateful = {
        "network": network,
        "objective": objective,
        "optimizer": optimizer,
        "companion": companion,
    }
    device = parameters[0].device
    first_epoch, first_step, total = _resume(checkpoint, stateful, curves, device)

    def weight_step(images: Tensor, labels: Tensor | None) -> Tensor:
        """(2,) float64: the loss, and the norm of its gradient before it was clipped."""
        optimizer.zero_grad()
        with products(recipe.precision):
            loss = recordable_loss(network, objective, Batch(images, labels), recipe.precision)
            loss.backward()
        loss = loss.detach()
        average([loss, *(p.grad for p in parameters)])
        norm = torch.nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None])
        if recipe.clip > 0:
            torch.nn.utils.clip_grads_with_norm_(parameters, recipe.clip, norm)
        optimizer.step()
        objective.after_step(network)
        return torch.stack([loss.double(), norm.double()])

    step_of_weights = RecordedStep(
        weight_step, recorder(device), lambda: getattr(network, "choice", None)
    )
    follow_drop_path = _drop_path(network, recipe, device)
    progress = Progress(label, recipe.epochs, steps)
    waiting = Waiting(
        lambda: batches.waited_seconds + companion.waited_seconds, checkpoint.run.cost
    )
    interruption = checkpoint.run.interruption
    interruption.deferred = True

    for epoch in range(first_epoch, recipe.epochs):
        progress.epoch(epoch, first_step)
        network.train()
        objective.train()
        follow_drop_path(epoch)
        if first_step == 0:
            seed_step(seed, epoch, 0, "epoch")
            companion.before_epoch(epoch)

        waiting.begin()
        for step, batch in batches.epoch(epoch, first_step):
            rate = learning_rate(recipe, epoch, step, steps)
            set_learning_rate(optimizer, rate)
            try:
                seed_step(seed, epoch, step, "beside")
                companion.before_step(epoch, step, batch)
                seed_step(seed, epoch, step)
                draw_apart()
                made = step_of_weights(batch.images, batch.labels)
                value, norm_value = made.tolist()
            except (RuntimeError, MemoryError) as error:
                raise explain_memory(error, len(batch.images)) from error
            if not math.isfinite(value + norm_value):
                place = f"epoch {epoch + 1}, step {step + 1} of {steps}"
                raise _explain_non_finite(value, norm_value, place, rate, checkpoint)
            total += value
            progress.step(value)

            if step + 1 < steps:
                leaving = any_of(interruption.requested, device)
                if checkpoint.due(epoch_ends=False) or leaving:
                    waiting.count()
                    _save(checkpoint, stateful, curves, epoch, step + 1, total)
                if leaving:
                    interruption.leave()

        waiting.count()
        row = {"train_loss": total / steps, "learning_rate": rate}
        row |= companion.after_epoch(epoch)
        curves.add(row)
        slow = slowed_down(waiting.share, batches.decoding_threads, device)
        progress.end(epoch, row, waiting.share, slow)
        first_step, total = 0, 0.0
        leaving = any_of(interruption.requested, device)
        if checkpoint.due(epoch_ends=True) or leaving:
            _save(checkpoint, stateful, curves, epoch + 1, 0, 0.0)
        if leaving:
            interruption.leave()

    interruption.deferred = False
    curves.close()
    network.eval()
    objective.eval()


def batch_loss(
    network: nn.Module, objective: Objective, batch: Batch, precision: str
) -> torch.Tensor:
    """The loss of this process's part of a batch. Views are drawn apart: from here on every process
    has random numbers of its own, while what was drawn before is the same in all."""
    draw_apart()
    return recordable_loss(network, objective, batch, precision)


def recordable_loss(
    network: nn.Module, objective: Objective, batch: Batch, precision: str
) -> torch.Tensor:
    """The same for a recorded step, before which its caller draws apart."""
    with autocast(precision, batch.images.device):
        return objective.loss(network, batch.images, batch.labels)


@torch.no_grad()
def evaluate(
    network: nn.Module, objective: Objective, batches: Any, seed: int
) -> dict[str, torch.Tensor]:
    """What `objective.evaluate` returns per image of `batches`, each (N,) float64 on the CPU.

    Network and objective are in eval mode meanwhile; views depend on `seed` alone.
    """
    network.eval()
    objective.eval()
    values: dict[str, list[torch.Tensor]] = {}
    for step, batch in batches.epoch(0):
        seed_step(seed, 0, step, "evaluation")
        try:
            evaluated = objective.evaluate(network, batch.images, batch.labels)
        except (RuntimeError, MemoryError) as error:
            raise explain_memory(error, len(batch.images)) from error
        for name, value in evaluated.items():
            values.setdefault(name, []).append(value.cpu())
    return {name: torch.cat(parts) for name, parts in values.items()}


def _save(
    checkpoint: Checkpoint,
    stateful: dict[str, Any],
    curves: Curves,
    epoch: int,
    step: int,
    total: float,
) -> None:
    state = {name: part.state_dict() for name, part in stateful.items()}
    state |= {"epoch": epoch, "step": step, "total": total, "curves": curves.rows}
    checkpoint.save(state, f"epoch {epoch + 1}, step {step + 1}")


def _resume(
    checkpoint: Checkpoint, stateful: dict[str, Any], curves: Curves, device: torch.device
) -> tuple[int, int, float]:
    """The epoch and step to continue with, and the sum of this epoch's losses so far."""
    state = checkpoint.load(device)
    if state is None:
        return 0, 0, 0.0
    for name, part in stateful.items():
        if name == "optimizer":
            restore(part, state[name])
        else:
            part.load_state_dict(state[name])
    curves.restore(state["curves"])
    checkpoint.place = f"epoch {state['epoch'] + 1}, step {state['step'] + 1}"
    return state["epoch"], state["step"], state["total"]


def _drop_path(network: nn.Module, recipe: Recipe, device: torch.device) -> Callable[[int], None]:
    """Sets the network's probability for an epoch, if it drops paths: raised linearly from 0, an
    epoch at a time (DARTS, train.py)."""

    def follow(epoch: int) -> None:
        if not isinstance(network, FeatureNetwork):
            return
        probability = recipe.drop_path * epoch / recipe.epochs
        if isinstance(network.drop_path, Tensor):
            network.drop_path.fill_(probability)
        else:
            network.drop_path = probability

    if device.type == "cuda" and recipe.drop_path and isinstance(network, FeatureNetwork):
        network.drop_path = recipe.drop_path  # refused by a network that drops none
        network.drop_path = torch.zeros((), device=device)  # as a recorded step reads it
    return follow


def _check_batches(batches: Any, modules: Iterable[nn.Module]) -> None:
    if len(batches) == 0:
        raise InputError(
            f"the images do not fill one batch of {batches.batch_size}; "
            "lower recipe.batch_size or prepare more images"
        )
    norms = [m for module in modules for m in module.modules()]
    if batches.batch_size == 1 and any(
        isinstance(m, nn.modules.batchnorm._BatchNorm) for m in norms
    ):
        raise InputError(
            "recipe.batch_size is 1, but batch norm needs the statistics of at least 2 images"
        )


def _explain_non_finite(
    loss: float, norm: float, place: str, rate: float, checkpoint: Checkpoint
) -> NonFiniteError:
    saved = f"{checkpoint.last} ({checkpoint.place})" if checkpoint.place else "none"
    return NonFiniteError(
        f"{place}: the loss is {loss}, the norm of its gradient {norm}; learning rate {rate:g}; "
        f"last good checkpoint: {saved}; lower the learning rate, lengthen the warm-up, or set a "
        "clip (section recipe)"
    )
