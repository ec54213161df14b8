"""Counted work of a network: arithmetic, memory traffic and kernel calls, without doing any of it.

Networks of the toy scale are so small that starting a kernel takes longer than its arithmetic, and
depthwise convolutions and batch norms wait for memory: three numbers are counted, not one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import astuple, dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

from nassl.data.views import RandomViews
from nassl.networks.build import build_network
from nassl.networks.size import parameters
from nassl.settings import SPACES, Network, SpaceSettings, Views
from nassl.supernets.sampled import SampledSupernet

UPDATE_CALLS = 6  # per parameter tensor: norm, clip, momentum, decay, step, zeroing
UPDATE_PASSES = 5  # over the parameters' memory
FEW = 16  # images whose views are counted


@dataclass(frozen=True)
class Work:
    """`flops` are two per multiply-add; `bytes` are read and written; `calls` are kernels;
    `decoded` are pixels of image files."""

    flops: float = 0.0
    bytes: float = 0.0
    calls: float = 0.0
    decoded: float = 0.0

    def __add__(self, other: Work) -> Work:
        return Work(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))

    def __mul__(self, factor: float) -> Work:
        return Work(*(factor * value for value in astuple(self)))


@dataclass(frozen=True)
class Counted:
    """`forward` is the work of one batch in training mode, `update` that of an optimiser's step."""

    forward: Work
    update: Work
    params: int


class _Counter(TorchDispatchMode):
    """Counts what is called inside; views of memory are free."""

    def __init__(self) -> None:
        super().__init__()
        self.work = Work()

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None):
        kwargs = kwargs or {}
        found = _outputs(function, args) or function(*args, **kwargs)
        if not function.is_view:
            tensors = [t for t in tree_leaves((args, kwargs, found)) if isinstance(t, Tensor)]
            formula = flop_registry.get(function.overloadpacket)
            self.work += Work(
                formula(*args, **kwargs, out_val=found) if formula else 0.0,
                sum(tensor.nbytes for tensor in tensors),
                1.0,
            )
        return found


def _outputs(function: Any, args: tuple) -> tuple[Tensor, ...] | None:
    """What batch norm gives without memory: torch goes through all of its formula for that, which
    takes longer than everything else that is counted."""
    if function is not torch.ops.aten.native_batch_norm.default or not args[0].is_meta:
        return None
    x = args[0]
    return torch.empty_like(x), x.new_empty(x.shape[1]), x.new_empty(x.shape[1])


def counted(call: Callable[[], object]) -> Work:
    """The work of a call, without any backward pass."""
    with torch.no_grad(), _Counter() as counter:
        call()
    return counter.work


def count_network(
    network: nn.Module, batch: int, side: int, trained: Iterable[nn.Parameter] | None = None
) -> Counted:
    """`trained` are the parameters that a step moves: all unless given."""
    network, images = network.to("meta").train(), torch.empty(batch, 3, side, side, device="meta")
    forward = counted(lambda: network(images))
    sizes = [p.numel() for p in (network.parameters() if trained is None else trained)]
    update = Work(0.0, UPDATE_PASSES * 4.0 * sum(sizes), UPDATE_CALLS * len(sizes))
    return Counted(forward, update, parameters(network))


def supernet_work(space: SpaceSettings, batch: int, side: int) -> Counted:
    """The work of a search network: for DARTS', which computes every operation, that of the whole
    network; for one that computes sub-networks, their mean, with every operation of a place equally
    often."""
    return _supernet_work(_fields(space), batch, side)


@cache
def _supernet_work(fields: tuple, batch: int, side: int) -> Counted:
    space = SPACES[fields[0]](*fields)
    with torch.device("meta"):
        network = space.load()(space)
    if not isinstance(network, SampledSupernet):
        return count_network(network, batch, side)
    found = []
    for shift in range(max(map(len, network.candidates))):
        network.choice = [
            names[(place + shift) % len(names)] for place, names in enumerate(network.candidates)
        ]
        found.append(count_network(network, batch, side, network.active_parameters()))
    share = 1 / len(found)
    return Counted(
        sum((counted.forward for counted in found), Work()) * share,
        sum((counted.update for counted in found), Work()) * share,
        parameters(network),
    )


def network_work(space: SpaceSettings, network: Network, batch: int, side: int) -> Counted:
    """The work of a discrete network, which the space's typical genotype stands for."""
    return _network_work(_fields(space), _fields(network), batch, side)


def network_parameters(space: SpaceSettings, network: Network) -> int:
    return parameters(_network(_fields(space), _fields(network)))


@cache
def _network_work(space: tuple, size: tuple, batch: int, side: int) -> Counted:
    return count_network(_network(space, size), batch, side)


@cache
def _network(space: tuple, size: tuple) -> nn.Module:
    with torch.device("meta"):
        return build_network(SPACES[space[0]](*space).typical(), Network(*size), 0)


def _fields(settings: Any) -> tuple:
    """A dataclass' values, hashable."""
    return tuple(tuple(v) if isinstance(v, list) else v for v in astuple(settings))


def views_work(views: Views, batch: int, side: int) -> Work:
    """The work of random views of one batch; counted on a few images, as each is drawn
    separately."""
    work = _few_views(_fields(views), side)
    return Work(work.flops * batch / FEW, work.bytes * batch / FEW, work.calls)


@cache
def _few_views(fields: tuple, side: int) -> Work:
    make = RandomViews(Views(*fields), torch.zeros(3), torch.ones(3))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return counted(lambda: make(torch.zeros(FEW, 3, side, side, dtype=torch.uint8)))
