"""All search strategies by name, and those that train nothing.

A strategy is a function `(run, inputs, out, checkpoints) -> Found`. One that trains imports torch
when it is called: the others start without.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

from nassl.genotypes.block_size import random_as_large_as_resnet50
from nassl.genotypes.cell import random_genotype
from nassl.genotypes.dense import random_dense
from nassl.genotypes.resnet import ResNetGenotype
from nassl.training.checkpoint import Checkpoints
from stages.runs.run import Run
from stages.search.found import Found, by_space

Strategy = Callable[[Run, Namespace, Path, Checkpoints], Found]


def random_search(run: Run, inputs: Namespace, out: Path, checkpoints: Checkpoints) -> Found:
    """A uniformly drawn genotype: the random baseline of both papers' tables. In the block space
    drawn again until it is about as large as ResNet-50. Reads no data."""
    seed = run.line.seed
    draws = {
        "cell": lambda _: random_genotype(seed),
        "block": lambda space: random_as_large_as_resnet50(space.depths, seed),
        "dense": lambda _: random_dense(seed),
    }
    return Found(by_space(run, draws)(run.settings["space"]))


def manual(run: Run, inputs: Namespace, out: Path, checkpoints: Checkpoints) -> Found:
    """The published network that the space names. Reads no data."""
    name = by_space(run, {"resnet": lambda space: ResNetGenotype(space.depth)})
    return Found(name(run.settings["space"]))


def darts(run: Run, inputs: Namespace, out: Path, checkpoints: Checkpoints) -> Found:
    from stages.search.darts import search_darts

    return search_darts(run, inputs, out, checkpoints)


def evolution(run: Run, inputs: Namespace, out: Path, checkpoints: Checkpoints) -> Found:
    from stages.search.evolution import search_evolution

    return search_evolution(run, inputs, out, checkpoints)


def proxyless(run: Run, inputs: Namespace, out: Path, checkpoints: Checkpoints) -> Found:
    from stages.search.proxyless import search_proxyless

    return search_proxyless(run, inputs, out, checkpoints)


STRATEGIES: dict[str, Strategy] = {
    "darts": darts,
    "random": random_search,
    "manual": manual,
    "evolution": evolution,
    "proxyless": proxyless,
}
