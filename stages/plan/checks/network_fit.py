"""Whether the size of a network fits its space and its images."""

from __future__ import annotations

from typing import Any

from nassl.settings import SettingsError, SpaceSettings
from stages.runs.run import Run

STEM_REDUCTION = {"cifar": 1, "imagenet": 8}  # of the cell networks' stems
RESNET_REDUCTION = {"cifar": 8, "imagenet": 32}
SMALLEST_MAP = 2  # pixels: batch norm and pooling are useless on a 1x1 map


def check_network(place: str, run: Run, runs: dict[str, Run], search: str) -> None:
    """Raises SettingsError for a network of another kind of space than that of `search`, the run
    that its architecture comes from, or too deep for its images."""
    space = runs[search].settings["space"]
    network, recipe = run.settings["network"], run.settings["recipe"]
    if space.of_cells and not (network.cells and network.channels):
        raise SettingsError(f"{place}: network {run.line.network!r} needs channels and cells")
    if not space.of_cells and (recipe.drop_path or network.cells):
        raise SettingsError(
            f"{place}: a network of kind {space.kind!r} has neither cells nor drop path; "
            f"network.cells is {network.cells}, recipe.drop_path {recipe.drop_path}"
        )
    check_map(place, run, runs, space, network)


def check_map(place: str, run: Run, runs: dict[str, Run], space: SpaceSettings, size: Any) -> None:
    """Raises SettingsError if stem, stages and cells shrink the images below SMALLEST_MAP."""
    side = runs[f"prepare/{run.line.data}"].settings["data"].image_size
    if not space.of_cells:
        reduction = RESNET_REDUCTION[size.stem]
    else:
        reductions = len({size.cells // 3, 2 * size.cells // 3})
        reduction = STEM_REDUCTION[size.stem] * 2**reductions
    if side // reduction < SMALLEST_MAP:
        raise SettingsError(
            f"{place}: stem {size.stem!r} and its reductions shrink {side}x{side} images "
            f"{reduction} times, to less than {SMALLEST_MAP}x{SMALLEST_MAP}; "
            "use stem cifar, fewer cells or larger images"
        )
