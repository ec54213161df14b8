"""Tiny detectors for tests: settings, scenes prepared by the real stage, random weights."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any

from nassl.settings import DATASETS, Network
from stages.runs.run import Run

NETWORK = {"stem": "cifar", "channels": 4}
DETECTION: dict[str, Any] = {
    "kind": "faster-rcnn-c4",
    "reference_devices": 1,
    "devices": 0,
    "images_per_batch": 2,
    "learning_rate": 0.02,
    "iterations": 6,
    "milestones": [4],
    "warmup_iterations": 2,
    "momentum": 0.9,
    "weight_decay": 1e-4,
    "train_sides": [40, 48],
    "test_side": 48,
    "longest": 64,
    "anchor_sizes": [8, 16],
    "anchor_ratios": [1.0],
    "anchors_per_image": 16,
    "proposals_train": [32, 16],
    "proposals_test": [32, 8],
    "rois_per_image": 8,
    "pooler_resolution": 4,
    "precise_bn_iterations": 2,
}
CHANGES: dict[str, Any] = {
    "network.resnet50": NETWORK,
    "detection.voc": DETECTION,
    "detection.coco": {**DETECTION, "kind": "mask-rcnn-c4"},
    "resources.transfer": {"threads": 1, "memory_mb": 1000, "gpus": 0, "retries": 0, "minutes": 5},
} | {
    f"transfer.{layout}": {
        "data": f"scenes-{layout}", "weights": "pretrain/x", "pretrained_on": "shapes",
        "network": "resnet50", "detection": layout, "seed": 0,
    }
    for layout in ("voc", "coco")
}  # fmt: skip
MEAN, STD = [0.4, 0.5, 0.45], [0.2, 0.25, 0.22]


def prepared_scenes(folder: Path, layout: str, **changes: Any) -> Path:
    """The folder labels/ of prepared scenes."""
    from stages.prepare.__main__ import prepare

    given = {"image_size": 80, "train": 10, "test": 24, "seed": 1} | changes
    kind = f"scenes-{layout}"
    data = DATASETS[kind](kind, **given)
    run = Run("prepare", "x", None, {"data": data}, None, ())
    prepare(run, Namespace(), folder)
    return folder / "labels"


def save_pretrained(
    folder: Path, genotype: Any, seed: int = 0, network: dict[str, Any] = NETWORK
) -> Path:
    """A folder like that of `pretrain`, with random weights."""
    import torch

    from nassl.genotypes import write_genotype
    from nassl.manifest import write_manifest
    from nassl.networks.build import build_network
    from nassl.training.weights import save_weights

    torch.manual_seed(seed)
    made = build_network(genotype, Network(**network), 32)
    for module in made.modules():  # statistics as they would be after training
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.uniform_(-0.1, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    folder.mkdir(parents=True, exist_ok=True)
    save_weights(folder / "weights.safetensors", made)
    write_genotype(folder / "genotype.json", genotype)
    write_manifest(folder, "pretrain@resnet50")
    return folder
