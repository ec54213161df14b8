"""What a transfer will compute: the detector's arithmetic, counted on its network."""

from __future__ import annotations

from functools import cache

import torch
from torch import nn

from nassl.genotypes.block import resnet50
from nassl.networks.build import build_network
from nassl.networks.size import flops
from nassl.settings import Data, Network
from stages.runs.run import Run

BACKWARD = 3  # a training step in forward passes
ASPECT = 4 / 3  # longer side of an image to its shorter one, as of photographs


def transfer_flops(run: Run, data: Data) -> float:
    """FLOPs (two per multiply-add) of trunk and stage 5, ResNet-50's in place of a searched one's;
    the heads are left out, they are small beside it. Before and after training it is tested."""
    settings, network = run.settings["detection"], run.settings["network"]
    tested = data.test or (data.released.test if data.released else 0)
    side = sum(settings.train_sides) / len(settings.train_sides)
    images = settings.iterations * settings.images_per_batch
    key = network.stem, network.channels
    head = _stage5(*key, settings.pooler_resolution)
    trained = _trunk(*key, 224) * ASPECT * (side / 224) ** 2 + settings.rois_per_image * head
    once = _trunk(*key, 224) * ASPECT * (settings.test_side / 224) ** 2
    once += settings.proposals_test[1] * head
    return 2.0 * (BACKWARD * images * trained + 2 * tested * once)


@cache
def _trunk(stem: str, channels: int, side: int) -> int:
    """Multiply-adds up to stage 4 for a square image."""
    network = _resnet50(stem, channels)
    network.layer4 = nn.Identity()
    return flops(network, side)


@cache
def _stage5(stem: str, channels: int, cells: int) -> int:
    """Multiply-adds of stage 5 for one region."""
    network = _resnet50(stem, channels)
    return flops(network.layer4, cells, network.feature_dim // 2)


def _resnet50(stem: str, channels: int) -> nn.Module:
    with torch.device("meta"):
        return build_network(resnet50(), Network(stem, channels), 0)
