"""What a transfer will compute: the detector's work, counted on its network."""

from __future__ import annotations

from dataclasses import astuple
from functools import cache
from typing import Any

import torch
from torch import nn

from nassl.networks.build import build_network
from nassl.networks.cell_frame import reductions
from nassl.networks.cell_network import CellNetwork
from nassl.settings import SPACES, Data, Network, SpaceSettings
from nassl.settings.detection import Annotations, Detection
from stages.plan.estimate.work import Work, counted
from stages.runs.run import Run

BACKWARD = 3  # a training step in forward passes
ASPECT = 4 / 3  # longer side of an image to its shorter one, as of photographs
PHOTOGRAPH = 480.0  # pixels of the shorter side of images that have not been looked at
# Of C4, by the network's stem (stages/transfer/detector.py and cells.py).
STRIDES = {"imagenet": 16, "cifar": 4}
CELL_STRIDES = {"imagenet": 16, "cifar": 2}


def transfer_work(
    run: Run, data: Data, space: SpaceSettings, image_size: int, images: dict[str, int]
) -> Work:
    """Of trunk and stage 5 of the space's typical network; the heads are left out, they are small
    beside it. Before and after training it is tested. Chains of blocks do arithmetic nearly all of
    the time; cells wait for memory.

    `images` counts those of the parts, if they are known; the images' sizes are not looked at.
    """
    network = run.settings["network"]
    stride = (CELL_STRIDES if space.of_cells else STRIDES)[network.stem]
    found = Annotations(images.get("train", 0), PHOTOGRAPH, [])
    settings: Detection = run.settings["detection"].fitted(found, image_size, stride)
    tested = images.get("test") or data.test or (data.released.test if data.released else 0)
    side = sum(settings.train_sides) / len(settings.train_sides)
    trained_on = settings.iterations * settings.images_per_batch
    trunk, stage5 = parts(_fields(space), _fields(network), settings.pooler_resolution, stride)
    trained = trunk * (ASPECT * (side / 224) ** 2) + stage5 * settings.rois_per_image
    once = trunk * (ASPECT * (settings.test_side / 224) ** 2) + stage5 * settings.proposals_test[1]
    work = trained * (BACKWARD * trained_on) + once * (2 * tested)
    return Work(work.flops, work.bytes) if space.of_cells else Work(work.flops)


@cache
def parts(space: tuple, network: tuple, region: int, stride: int) -> tuple[Work, Work]:
    """The work of the trunk for a square image of 224 pixels, and of stage 5 for a region of so
    many cells a side. `space` and `network` are the values of their settings."""
    with torch.device("meta"):
        trunk: Any = build_network(SPACES[space[0]](*space).typical(), Network(*network), 0)
    whole = _forward(trunk, region * stride)
    if isinstance(trunk, CellNetwork):
        trunk.cells = trunk.cells[: reductions(len(trunk.cells))[1]]
    else:
        trunk.layer4 = nn.Identity()
    return _forward(trunk, 224), whole + _forward(trunk, region * stride) * -1


def _forward(network: nn.Module, side: int) -> Work:
    image = torch.empty(1, 3, side, side, device="meta")
    return counted(lambda: network(image))


def _fields(settings: Any) -> tuple:
    """A dataclass' values, hashable."""
    return tuple(tuple(v) if isinstance(v, list) else v for v in astuple(settings))
