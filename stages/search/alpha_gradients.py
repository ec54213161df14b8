"""Gradients of the architecture parameters: DARTS, first and second order (SSNAS sec. 3.3).

Losses are given as functions that compute them with the current weights, with the same views of the
same batch at every call. Any objective will do. With several processes every gradient is the mean
over processes, including those inside a step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from nassl.parallel.distributed import average

EPSILON = 0.01  # of the central difference, divided by the norm of its direction

Loss = Callable[[], Tensor]


def first_order(
    validation_loss: Loss, alphas: Sequence[Tensor], weights: Sequence[Tensor]
) -> tuple[Tensor, list[Tensor]]:
    """Validation loss, and its gradients by alpha at the present weights.

    Autograd is asked for nothing but alpha: no gradient of a weight is computed.
    """
    with _constant(weights):
        loss = validation_loss()
        return _value(loss), _gradients(loss, alphas)


def second_order(
    training_loss: Loss,
    validation_loss: Loss,
    alphas: Sequence[Tensor],
    weights: Sequence[Tensor],
    optimizer: torch.optim.SGD,
) -> tuple[Tensor, list[Tensor]]:
    """Validation loss after one virtual step of the weights, and its gradients by alpha through
    that step:

        d L_val(w', alpha) - rate * d2 L_train(w, alpha) / d alpha dw * d L_val(w', alpha) / dw'

    with w' = w - rate * (momentum * buffer + d L_train / dw + decay * w), the step that `optimizer`
    would take (without the clip, as in DARTS' code). The product with the second derivative is a
    central difference: alpha gradients of L_train at w +- epsilon * d L_val / dw'.

    The weights are moved in place and afterwards restored bit for bit from one copy of them: no
    copy of the network, and no graph lives longer than its own loss.
    """
    (group,) = optimizer.param_groups
    rate, momentum, decay = group["lr"], group["momentum"], group["weight_decay"]
    with torch.no_grad():
        kept = [weight.clone() for weight in weights]
    try:
        with _constant(alphas):
            step = _gradients(training_loss(), weights)
        torch._foreach_add_(step, kept, alpha=decay)
        buffers = [optimizer.state[weight].get("momentum_buffer") for weight in weights]
        moved = [(s, b) for s, b in zip(step, buffers, strict=True) if b is not None]
        if moved and momentum:
            torch._foreach_add_(*map(list, zip(*moved, strict=True)), alpha=momentum)
        _place(weights, kept, step, -rate)
        del step

        loss = validation_loss()
        both = _gradients(loss, [*alphas, *weights])
        gradients, direction = both[: len(alphas)], both[len(alphas) :]
        norm = torch.nn.utils.get_total_norm(direction)
        if norm.is_cuda:  # stays there: nothing waits for it, and 0 is divided by nothing
            epsilon = EPSILON / norm.clamp(min=torch.finfo(norm.dtype).tiny)
        elif norm == 0:  # the weights do not matter: nothing comes back through the step
            return _value(loss), gradients
        else:
            epsilon = EPSILON / norm.item()
        with _constant(weights):
            _place(weights, kept, direction, epsilon)
            above = _gradients(training_loss(), alphas)
            _place(weights, kept, direction, -epsilon)
            below = _gradients(training_loss(), alphas)
    finally:
        _place(weights, kept)
    torch._foreach_sub_(above, below)
    _move(gradients, above, -rate / (2 * epsilon))
    return _value(loss), gradients


@contextmanager
def unchanged_statistics(*modules: nn.Module) -> Iterator[None]:
    """Batch norm in `modules` leaves its running statistics and its count of batches as they are.

    In training mode a loss depends on the statistics of its batch alone, but updates the running
    ones. Only the weight steps should do that: the virtual weights of second order, and their two
    neighbours, belong to no network that is ever evaluated.
    """
    norms = [m for module in modules for m in module.modules() if isinstance(m, _BatchNorm)]
    tracking = [norm.track_running_stats for norm in norms]
    try:
        for norm in norms:
            norm.track_running_stats = False
        yield
    finally:
        for norm, before in zip(norms, tracking, strict=True):
            norm.track_running_stats = before


@contextmanager
def _constant(parameters: Sequence[Tensor]) -> Iterator[None]:
    """Takes `parameters` out of the graphs that are built meanwhile."""
    required = [parameter.requires_grad for parameter in parameters]
    for parameter in parameters:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter, before in zip(parameters, required, strict=True):
            parameter.requires_grad_(before)


def _gradients(loss: Tensor, parameters: Sequence[Tensor]) -> list[Tensor]:
    """Zeros for what the loss does not depend on (alphas of a cell kind that is not there)."""
    found = torch.autograd.grad(loss, parameters, allow_unused=True)
    pairs = zip(found, parameters, strict=True)
    gradients = [torch.zeros_like(p) if gradient is None else gradient for gradient, p in pairs]
    average(gradients)
    return gradients


def _value(loss: Tensor) -> Tensor:
    value = loss.detach()
    average([value])
    return value


@torch.no_grad()
def _place(
    weights: Sequence[Tensor],
    origin: Sequence[Tensor],
    direction: Sequence[Tensor] | None = None,
    length: float | Tensor = 0.0,
) -> None:
    """weights <- origin + length * direction, in place."""
    torch._foreach_copy_(weights, origin)
    if direction is not None:
        _move(weights, direction, length)


def _move(places: Sequence[Tensor], direction: Sequence[Tensor], length: float | Tensor) -> None:
    """In place; a length () on the device is not read back from there."""
    if isinstance(length, Tensor):
        torch._foreach_add_(places, torch._foreach_mul(direction, length))
    else:
        torch._foreach_add_(places, direction, alpha=length)
