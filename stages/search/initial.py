"""The structure that an evolution starts from (FaUNAE sec. III.A): alpha_0."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from nassl.files import InputError
from nassl.genotypes import Genotype, block, dense, read_genotype
from nassl.genotypes.block_size import random_as_large_as_resnet50
from nassl.settings import BlockSpace, DenseSpace, SettingsError
from stages.runs.run import Run


def initial_structure(run: Run, inputs: Namespace) -> Genotype:
    """What the run's `initial` names: `random` (drawn with the run's seed), `resnet50` (block
    space), or `search/<run>`: then the genotype of `inputs.initial`, remapped to the run's space.

    Raises SettingsError if nothing is named or the space has none, InputError if the file's
    genotype cannot be expressed in the space.
    """
    space, path = run.settings["space"], getattr(inputs, "initial", None)
    if path is not None and run.line.initial.startswith("search/"):
        try:
            return remapped(read_genotype(path), space)
        except InputError as error:
            raise InputError(f"{path}: {error}") from error
    if run.line.initial == "random":
        if space.kind == "block":
            return random_as_large_as_resnet50(space.depths, run.line.seed)
        return dense.random_dense(run.line.seed)
    if run.line.initial == "resnet50" and space.kind == "block":
        return block.resnet50(space.depths)
    raise SettingsError(
        f"search.{run.name}.initial is {run.line.initial!r}, the space {space.kind!r}; available: "
        "random, resnet50 (block space), or search/<run> with that run's genotype as --initial"
    )


def refuse_initial(run: Run) -> None:
    """Raises SettingsError if the line names a start, but the strategy takes none."""
    if run.line.initial:
        raise SettingsError(
            f"search.{run.name}.initial is {run.line.initial!r}, but the strategy is "
            f"{run.settings['strategy'].kind!r}; only an evolution has an initial structure"
        )


def remapped(genotype: Any, space: BlockSpace | DenseSpace) -> Genotype:
    """`genotype` in `space`: blocks fitted to its depths, a ResNet-50 as blocks, a two-edge cell as
    a dense one. Raises InputError if it has no counterpart there."""
    if space.kind == "block" and genotype.space == "block":
        return block.remap(genotype, space.depths)
    if space.kind == "block" and genotype.space == "resnet" and genotype.depth == 50:
        return block.resnet50(space.depths)
    if space.kind == "dense" and genotype.space == "dense":
        return genotype
    if space.kind == "dense" and genotype.space == "cell":
        return dense.remap(genotype)
    raise InputError(
        f"a genotype of the space {genotype.space!r} cannot start a search in {space.kind!r}; the "
        "block space takes block and ResNet-50, the dense space dense and cell genotypes"
    )
