"""Counted work of a network: arithmetic, memory traffic and kernel calls, without doing any of it.

Networks of the toy scale are so small that starting a kernel takes longer than its arithmetic, and
depthwise convolutions and batch norms wait for memory: three numbers are counted, not one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple, dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

from stages.core.data.views import RandomViews
from stages.core.networks.build import build_network
from stages.core.networks.size import parameters
from stages.core.networks.supernet import Supernet
from stages.core.settings import CellSpace, Network, Views
from stages.core.spaces.block import resnet50
from stages.core.spaces.dense import random_dense
from stages.core.spaces.genotype import ResNetGenotype, random_genotype

UPDATE_CALLS = 6  # per parameter tensor: norm, clip, momentum, decay, step, zeroing
UPDATE_PASSES = 5  # over the parameters' memory
FEW = 16  # images whose views are counted


@dataclass(frozen=True)
class Work:
    """`flops` are two per multiply-add; `bytes` are read and written; `calls` are kernels."""

    flops: float = 0.0
    bytes: float = 0.0
    calls: float = 0.0

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
        found = function(*args, **kwargs)
        if not function.is_view:
            tensors = [t for t in tree_leaves((args, kwargs, found)) if isinstance(t, Tensor)]
            formula = flop_registry.get(function.overloadpacket)
            self.work += Work(
                formula(*args, **kwargs, out_val=found) if formula else 0.0,
                sum(tensor.nbytes for tensor in tensors),
                1.0,
            )
        return found


def counted(call: Callable[[], object]) -> Work:
    """Of a call, without any backward pass."""
    with torch.no_grad(), _Counter() as counter:
        call()
    return counter.work


def count_network(network: nn.Module, batch: int, side: int) -> Counted:
    network, images = network.to("meta").train(), torch.empty(batch, 3, side, side, device="meta")
    forward = counted(lambda: network(images))
    tensors, params = len(list(network.parameters())), parameters(network)
    update = Work(0.0, UPDATE_PASSES * 4.0 * params, UPDATE_CALLS * tensors)
    return Counted(forward, update, params)


@cache
def supernet_work(space: tuple, batch: int, side: int) -> Counted:
    """Of DARTS' supernet for the fields of a CellSpace."""
    return count_network(Supernet(CellSpace(*space)), batch, side)


@cache
def network_work(kind: str, depth: int | tuple, network: tuple, batch: int, side: int) -> Counted:
    """Of a discrete network: a random cell of seed 0, or ResNet-50 as a chain of blocks, stands for
    what will be found."""
    genotypes = {
        "cell": lambda: random_genotype(0),
        "dense": lambda: random_dense(0),
        "block": lambda: resnet50(depth),
        "resnet": lambda: ResNetGenotype(depth),
    }
    return count_network(build_network(genotypes[kind](), Network(*network), side), batch, side)


def views_work(views: Views, batch: int, side: int) -> Work:
    """Of random views of one batch; counted on a few images, as each is drawn by itself."""
    fields = tuple(tuple(v) if isinstance(v, list) else v for v in astuple(views))
    work = _few_views(fields, side)
    return Work(work.flops * batch / FEW, work.bytes * batch / FEW, work.calls)


@cache
def _few_views(fields: tuple, side: int) -> Work:
    make = RandomViews(Views(*fields), torch.zeros(3), torch.ones(3))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return counted(lambda: make(torch.zeros(FEW, 3, side, side, dtype=torch.uint8)))
