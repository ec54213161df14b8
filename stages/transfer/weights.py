"""From the weights of pretrain or retrain to those of a detector, every key accounted for.

Detectron2's own loader skips what does not match and only warns. Here the keys that the detector
gets are exactly the network's, those that it keeps are exactly the new heads', and an image must
give the same maps, C4 and after stage 5, before and after.
"""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from nassl.files import InputError
from nassl.networks.cell_network import CellNetwork
from nassl.parallel.precision import products
from nassl.training.weights import load_weights
from stages.transfer import cells
from stages.transfer.detector import FEATURE

# What a detector has and a pretrained network has not.
NEW = (
    "proposal_generator.",
    "roi_heads.box_predictor.",
    "roi_heads.mask_head.",
    "roi_heads.res5.norm.",
)
TOLERANCE = 1e-4  # of the maps, relative to their largest value


def detector_key(key: str, network: nn.Module | None = None) -> str:
    """`layer4.0.conv1.weight` -> `roi_heads.res5.layer4.0.conv1.weight`, the rest in `backbone`;
    of a `network` of cells see `cells.py`."""
    if isinstance(network, CellNetwork):
        return cells.detector_key(key, cells.first_of_stage5(network))
    return f"roi_heads.res5.{key}" if key.startswith("layer4.") else f"backbone.{key}"


def load_pretrained(file: Path, network: nn.Module) -> None:
    """Weights of `pretrain` (the bare network) or of `retrain` (`network.*`, `classifier.*`) into
    `network`. Raises InputError if a key, a shape or a type differs."""
    try:
        with safe_open(file, "pt") as opened:
            keys = set(opened.keys())
            classes = (
                opened.get_slice("classifier.weight").get_shape()[0]
                if "classifier.weight" in keys
                else 0
            )
    except (OSError, SafetensorError):
        keys, classes = set(), 0  # load_weights says what is wrong
    if classes:
        parts = {"network": network, "classifier": nn.Linear(network.feature_dim, classes)}
        load_weights(file, nn.ModuleDict(parts))
    else:
        load_weights(file, network)


def convert(network: nn.Module, detector: nn.Module) -> int:
    """Copies the network's parameters and buffers into the detector; gives their number.

    Raises InputError if a key of the network has no place, if one of its shape differs, or if what
    the detector keeps is not exactly its new heads.
    """
    given = {detector_key(key, network): value for key, value in network.state_dict().items()}
    own = detector.state_dict()
    for key, value in given.items():
        found = tuple(own[key].shape) if key in own else "nothing"
        if found != tuple(value.shape):
            raise InputError(
                f"the weights do not fit the detector: {key!r} is {tuple(value.shape)} in the "
                f"network and {found} in the detector; genotype or network settings differ"
            )
    kept = set(own) - set(given)
    strange = sorted(key for key in kept if not key.startswith(NEW))
    if strange or len(kept) != sum(key.startswith(NEW) for key in own):
        raise InputError(
            f"the weights do not fit the detector: it would keep {len(kept)} keys, of which "
            f"{len(strange)} belong to no new head, first {strange[:1]}; new heads: "
            f"{', '.join(NEW)}"
        )
    with torch.no_grad():
        for key, value in given.items():
            own[key].copy_(value)
    return len(given)


@torch.no_grad()
@products("float32")
def check_features(
    network: nn.Module, detector: nn.Module, image: Tensor, mean: list[float], std: list[float]
) -> None:
    """Raises InputError unless a uint8 image (3, H, W) has the same C4 map, and this the same map
    after stage 5, in the network, prepared as in pretraining, and in the detector with Detectron2's
    preparation. Both end in eval mode."""
    network.eval()
    detector.eval()
    device = detector.pixel_mean.device
    statistics = [torch.tensor(values, device=device).view(3, 1, 1) for values in (mean, std)]
    x = (image.to(device) / 255 - statistics[0])[None] / statistics[1]
    maps = cells.stages_of if isinstance(network, CellNetwork) else _stages_of
    kept = maps(network.to(device), x)
    inputs = detector.preprocess_image([{"image": image}])
    c4 = detector.backbone(inputs.tensor)[FEATURE]
    _compare("C4 map", kept[0], c4, "the mean and deviation of the pretraining images")
    c5 = detector.roi_heads.res5.layer4(kept[0])
    _compare("map after stage 5", kept[1], c5, "how stage 5 was converted")


def _stages_of(network: nn.Module, x: Tensor) -> list[Tensor]:
    """The maps of x (B, 3, H, W) after stages 4 and 5."""
    kept: list[Tensor] = []
    hooks = [
        stage.register_forward_hook(lambda _, __, output: kept.append(output))
        for stage in (network.layer3, network.layer4)
    ]
    network(x)
    for hook in hooks:
        hook.remove()
    return kept


def _compare(what: str, before: Tensor, after: Tensor, check: str) -> None:
    scale = before.abs().max().item()
    same = before.shape == after.shape
    difference = (before - after).abs().max().item() if same else scale
    if not difference <= TOLERANCE * max(scale, 1e-6):
        raise InputError(
            f"converted weights give another {what}: largest difference {difference:.3g} of values "
            f"up to {scale:.3g}; check {check}"
        )
