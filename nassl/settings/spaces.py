"""Sections `space` and `network`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class CellSpace:
    """DARTS' cell space and the size of its supernet (SSNAS sec. 4.1)."""

    kind: str  # cell
    channels: int
    cells: int
    stem: str  # cifar | imagenet


@dataclass
class FixedSpace:
    """A published network: nothing to search."""

    kind: str  # resnet
    depth: int  # 18 | 50


@dataclass
class BlockSpace:
    """FaUNAE's chain of bottlenecks for ImageNet and its search network's size (sec. III.A)."""

    kind: str  # block
    channels: int  # of the stem: 64 is ResNet-50's width, 32 the search network's
    depths: list[int]  # blocks in each of the stages; ResNet-50 has 3, 4, 6, 3
    stem: str  # cifar | imagenet


@dataclass
class DenseSpace:
    """FaUNAE's cells for CIFAR-10, an operation on each of the 14 edges (sec. III.A, IV.C.1)."""

    kind: str  # dense
    channels: int
    cells: int
    stem: str  # cifar | imagenet
    edges: str  # all | top2: edges per node that the found genotype keeps


SPACES = {"cell": CellSpace, "resnet": FixedSpace, "block": BlockSpace, "dense": DenseSpace}


@dataclass
class Network:
    """Size of the discrete network that is built from a genotype."""

    stem: str  # cifar | imagenet
    channels: int = 0  # cells: channels of the first cell; resnet: 64 unless given
    cells: int = 0  # cells only
