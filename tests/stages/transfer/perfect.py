"""A detector that finds exactly what is listed: with any annotations that are accepted its average
precisions are 1."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from detectron2.structures import Boxes, Instances
from pycocotools import mask as run_lengths
from torch import nn

from nassl.genotypes.block import resnet50
from nassl.settings import Detection, Network
from stages.transfer.config import Sets, detectron2_config
from stages.transfer.data import Registered, register
from stages.transfer.evaluate import evaluate
from stages.transfer.masks import fit_masks
from stages.transfer.truth import truth
from tests.stages.transfer.detectors import DETECTION, MEAN, NETWORK, STD


class Perfect(nn.Module):
    """Listed boxes and masks, whatever the images show; a box without a mask is its own mask."""

    def __init__(self, data: Registered, masks: bool) -> None:
        super().__init__()
        self.masks = masks
        self.true = {image["file_name"]: image["annotations"] for image in data.test_images()}

    def forward(self, inputs: list[dict[str, Any]]) -> list[dict[str, Instances]]:
        return [{"instances": self.found(image)} for image in inputs]

    def found(self, image: dict[str, Any]) -> Instances:
        true = [box for box in self.true[image["file_name"]] if not box["iscrowd"]]
        height, width = image["height"], image["width"]
        found = Instances((height, width))
        boxes = torch.tensor([box["bbox"] for box in true], dtype=torch.float32)
        found.pred_boxes = Boxes(boxes.reshape(-1, 4))
        found.pred_classes = torch.tensor([box["category_id"] for box in true], dtype=torch.int64)
        found.scores = torch.full((len(true),), 0.9)
        if self.masks:
            masks = [torch.from_numpy(mask_of(box, height, width)) for box in true]
            found.pred_masks = (
                torch.stack(masks) if masks else torch.zeros(0, height, width, dtype=torch.bool)
            )
        return found


def mask_of(box: dict[str, Any], height: int, width: int) -> np.ndarray:
    """bool (height, width)."""
    mask = box.get("segmentation")
    if mask is None:
        drawn = np.zeros((height, width), bool)
        x0, y0, x1, y1 = map(round, box["bbox"])
        drawn[y0:y1, x0:x1] = True
        return drawn
    if isinstance(mask, list):
        mask = run_lengths.merge(run_lengths.frPyObjects(mask, height, width))
    return run_lengths.decode(mask).astype(bool)


def perfect(labels: Path, kind: str = "faster-rcnn-c4") -> dict[str, float]:
    """What the real evaluators give the perfect detector, rounded to 6 digits."""
    data = register(labels, f"perfect-{abs(hash(str(labels)))}")
    sets = Sets(data.train, data.test, len(data.classes))
    settings = Detection(**{**DETECTION, "kind": kind})
    network = resnet50((1, 1, 1, 1)), Network(**NETWORK)
    cfg = detectron2_config(settings, *network, sets, MEAN, STD, "cpu")
    fit_masks(cfg, data)
    with truth(data):
        found, _, _ = evaluate(cfg, Perfect(data, kind == "mask-rcnn-c4"), data)
    return {name: round(value, 6) for name, value in found.items()}
