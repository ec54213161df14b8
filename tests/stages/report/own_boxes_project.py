"""Detectors of own boxes, added by hand to the results of own images."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml
from PIL import Image

# name -> (row, AP50 of the pretrained detectors, AP50 of those from random weights), in percent, a
# value a seed; AP is half of it.
Detectors = Mapping[str, tuple[str, Sequence[float], Sequence[float]]]
CLEAR: Detectors = {
    "ssnas": ("SSNAS (first order)", (60, 61, 62), (40, 41, 45)),
    "resnet18": ("ResNet-18", (50, 48, 52), (40, 55, 44)),
}
CLASSES = (("cat", 30, 10), ("w/o mask", 20, 5), ("kiwi", 2, 0))  # boxes in train and test
IMAGES = {"train": 40, "test": 12}


def add_boxes(project: Path, detectors: Detectors = CLEAR, layout: str = "voc") -> Path:
    """Of `cat` AP50 is 10 points above the mean, of `w/o mask` 10 below; `kiwi` has no test box."""
    plan = yaml.safe_load((project / "params.yaml").read_text())
    root = project / "boxes"
    plan["data"]["boxes"] = {"kind": layout, "root": str(root)}
    plan["prepare"]["boxes"] = {"data": "boxes"}
    plan["transfer"], plan["report"]["boxes"] = {}, []
    results = project / "results"
    ending = "" if layout == "voc" else "_box"
    for name, (row, pretrained, random) in detectors.items():
        runs: dict[str, list[str]] = {"pretrained": [], "random": []}
        for init, values in (("pretrained", pretrained), ("random", random)):
            for seed, ap50 in enumerate(values):
                run = f"{name}-boxes-{'scratch-' if init == 'random' else ''}s{seed}"
                runs[init].append(f"transfer/{run}")
                plan["transfer"][run] = {
                    "data": "boxes", "weights": f"pretrain/{name}-folder-s{seed}",
                    "pretrained_on": "folder", "network": "cells", "detection": "own-boxes",
                    "seed": seed,
                    **({"init": "random"} if init == "random" else {}),
                }  # fmt: skip
                folder = results / "transfer" / run
                (folder / "drawings").mkdir(parents=True)
                Image.new("RGB", (60, 40)).save(folder / "drawings" / "00.png")
                metrics = {f"AP50{ending}": ap50 / 100, f"AP{ending}": ap50 / 200,
                           "n": 12, "iterations": 2000, "images_per_batch": 4,
                           "params": 250_000}  # fmt: skip
                (folder / "metrics.json").write_text(json.dumps(metrics))
                cost = {"seconds": 10.0, "gpu_days": 0.001, "device": "cpu"}
                (folder / "cost.json").write_text(json.dumps(cost))
                classes = [
                    {"class": one, "train_boxes": train, "test_boxes": test}
                    | ({"AP50": (ap50 + plus) / 100, "AP": (ap50 + plus) / 200} if test else {})
                    for (one, train, test), plus in zip(CLASSES, (10, -10, 0), strict=True)
                ]
                (folder / "classes.json").write_text(json.dumps(classes))
        plan["report"]["boxes"].append({
            "row": row, "data": "boxes", "runs": runs["pretrained"], "random": runs["random"],
            "selection": f"select/{name}-folder",
            "pretrained": [f"pretrain/{name}-folder-s{seed}" for seed in range(len(pretrained))],
        })  # fmt: skip
    _write_labels(results / "prepare/boxes", root, layout)
    (project / "params.yaml").write_text(yaml.safe_dump(plan))
    return project


def _write_labels(folder: Path, root: Path, layout: str) -> None:
    for part in ("images", "labels"):
        (folder / part).mkdir(parents=True)
    images = {"kind": layout, "format": "annotated", "counts": IMAGES}
    (folder / "images/manifest.json").write_text(json.dumps(images))
    labels = {
        "layout": layout, "root": str(root), "classes": [name for name, _, _ in CLASSES],
        "year": 2007, "images": IMAGES, "skipped": [],
        "labels": {"train": {"cat": 30, "w/o mask": 20, "kiwi": 2},
                   "test": {"cat": 10, "w/o mask": 5, "kiwi": 0}},
        "dropped": [{"image": "VOC2007/JPEGImages/7.jpg", "box": [3, 3, 3, 9], "class": "cat"}],
        "remarks": [{"part": "train", "count": 4, "text": "boxes are clipped to their image",
                     "first": "VOC2007/Annotations/3.xml"}],
    }  # fmt: skip
    (folder / "labels/manifest.json").write_text(json.dumps(labels))
    listed = [{"file_name": f"JPEGImages/{number}.jpg"} for number in range(IMAGES["test"])]
    (folder / "labels/test.json").write_text(json.dumps(listed))
