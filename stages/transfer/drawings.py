"""Test images with what was annotated (left) and what was found (right)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from detectron2.structures.masks import polygons_to_bitmask
from PIL import Image
from pycocotools import mask as run_lengths
from torch import Tensor
from torchvision.utils import draw_bounding_boxes, draw_segmentation_masks

from stages.transfer.data import Registered
from stages.transfer.mapper import read_picture

COUNT = 12
SHORTEST = 256  # pixels: smaller images are enlarged, so that names can be read
LEAST_SCORE = 0.5  # of a detection that is drawn
COLOURS = ("#e6194b", "#3cb44b", "#ffe119", "#4363d8", "#f58231", "#911eb4", "#46f0f0", "#f032e6")


def draw(data: Registered, predictions: list[dict[str, Any]], folder: Path) -> list[str]:
    """Writes the first images of the test part as PNG files; gives their names."""
    folder.mkdir(parents=True, exist_ok=True)
    numbers = {identity: number for number, identity in enumerate(data.category_ids)}
    names = []
    for place, image in enumerate(data.test_images()[:COUNT]):
        found = [
            {
                "box": [p["bbox"][0], p["bbox"][1], p["bbox"][0] + p["bbox"][2],
                        p["bbox"][1] + p["bbox"][3]],
                "label": numbers[p["category_id"]],
                "text": f"{data.classes[numbers[p['category_id']]]} {p['score']:.2f}",
                "segmentation": p.get("segmentation"),
            }
            for p in predictions
            if p["image_id"] == image["image_id"] and p["score"] >= LEAST_SCORE
        ]  # fmt: skip
        true = [
            {"box": a["bbox"], "label": a["category_id"], "text": data.classes[a["category_id"]],
             "segmentation": a.get("segmentation")}
            for a in image["annotations"]
        ]  # fmt: skip
        photo = read_picture(image)
        sides = [_drawn(photo, things) for things in (true, found)]
        gap = torch.full((3, sides[0].shape[1], 8), 255, dtype=torch.uint8)
        both = torch.cat([sides[0], gap, sides[1]], dim=2)
        names.append(f"{place:02d}.png")
        Image.fromarray(both.permute(1, 2, 0).numpy()).save(folder / names[-1])
    return names


def _drawn(photo: Image.Image, things: list[dict[str, Any]]) -> Tensor:
    """uint8 (3, H, W) with boxes, names and masks."""
    scale = max(SHORTEST / min(photo.size), 1.0)
    size = round(photo.width * scale), round(photo.height * scale)
    image = torch.from_numpy(np.array(photo.resize(size))).permute(2, 0, 1)
    if not things:
        return image
    colours = [COLOURS[thing["label"] % len(COLOURS)] for thing in things]
    masked = [number for number, thing in enumerate(things) if thing["segmentation"]]
    if masked:
        masks = [_mask(things[number]["segmentation"], photo, size) for number in masked]
        image = draw_segmentation_masks(
            image, torch.stack(masks), alpha=0.4, colors=[colours[number] for number in masked]
        )
    boxes = torch.tensor([thing["box"] for thing in things]) * scale
    return draw_bounding_boxes(image, boxes, [thing["text"] for thing in things], colours)


def _mask(segmentation: Any, photo: Image.Image, size: tuple[int, int]) -> Tensor:
    """Polygons or run lengths as a bool map (H, W) of the enlarged image."""
    if isinstance(segmentation, list):
        points = [np.asarray(polygon, float) for polygon in segmentation]
        bits = polygons_to_bitmask(points, photo.height, photo.width)
    else:
        if isinstance(segmentation["counts"], list):
            segmentation = run_lengths.frPyObjects(segmentation, *segmentation["size"])
        bits = run_lengths.decode(segmentation)
    return torch.from_numpy(np.array(Image.fromarray(bits.astype(np.uint8)).resize(size)) > 0)
