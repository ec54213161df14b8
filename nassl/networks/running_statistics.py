"""Running statistics of batch norm where a batch passes a network in parts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


@contextmanager
def as_one_of(network: nn.Module, part: int, parts: int) -> Iterator[None]:
    """Meanwhile part number `part` (from 0) of `parts` passes the network: after all of them the
    running statistics have moved once, by the mean over the parts, as those of as many devices that
    are averaged; not once a part, which would make them `parts` times as noisy.

    With m for the momentum and s_g for the statistics of a part, the result is
    (1 - m) * old + m / G * sum(s_g): part g moves by the share (m / G) / (1 - (G - 1 - g) * m / G).
    """
    norms = [m for m in network.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    former = [norm.momentum for norm in norms]
    for norm, momentum in zip(norms, former, strict=True):
        share = (momentum or 0.0) / parts  # None, a plain mean over steps, is in no network here
        norm.momentum = share / (1 - (parts - 1 - part) * share)
    try:
        yield
    finally:
        for norm, momentum in zip(norms, former, strict=True):
            norm.momentum = momentum


@contextmanager
def unmoved(network: nn.Module) -> Iterator[None]:
    """Meanwhile running means and variances stay as they are, in training mode too."""
    norms = [m for m in network.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    former = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 0.0
    try:
        yield
    finally:
        for norm, momentum in zip(norms, former, strict=True):
            norm.momentum = momentum
