"""Real images in both layouts, prepared and transferred to: a few iterations of a tiny network."""

from __future__ import annotations

import json
import tarfile
from argparse import Namespace
from pathlib import Path

import pytest

from nassl.settings import DATASETS
from stages.prepare.__main__ import prepare
from stages.runs.run import Run
from stages.transfer.__main__ import transfer
from tests.stages.transfer.detectors import CHANGES, DETECTION

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data"
SIDES = {"train_sides": [96], "test_side": 96, "longest": 160, "anchor_sizes": [8, 16, 32]}


def extracted(name: str, folder: Path) -> Path:
    archive = SHARED / name
    if not archive.exists():
        pytest.skip(f"{archive} is not there")
    with tarfile.open(archive) as opened:
        opened.extractall(folder, filter="data")
    return folder


def prepared(kind: str, root: Path, out: Path) -> Path:
    settings = DATASETS[kind](kind, root=str(root))
    prepare(Run("prepare", "x", None, {"data": settings}, None, ()), Namespace(), out)
    return out / "labels"


def test_blood_cells_in_voc_layout(call, weights, statistics, tmp_path, capsys):
    root = extracted("bccd-voc2007.tar", tmp_path / "data")
    labels = prepared("voc", root, tmp_path / "cells")
    manifest = json.loads((labels / "manifest.json").read_text())
    assert manifest["images"] == {"train": 292, "test": 72}
    assert manifest["classes"] == ["Platelets", "RBC", "WBC"]
    assert [Path(entry["image"]).stem for entry in manifest["dropped"]] == [
        "BloodImage_00338", "BloodImage_00343",
    ]  # fmt: skip
    assert sum(manifest["boxes"].values()) == 4888 - 2
    assert "BloodImage_00338.xml: box without an area dropped" in capsys.readouterr().err
    changes = CHANGES | {"detection.voc": {**DETECTION, **SIDES}}
    out = call(transfer, "voc", changes, labels=labels, weights=weights, statistics=statistics)
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics["n"] == 72
    assert 0 <= metrics["AP50"] <= 1
    assert len(list((out / "drawings").iterdir())) == 12


def test_photographs_in_coco_layout_with_crowds(call, weights, statistics, tmp_path):
    root = extracted("coco-tiny160.tar", tmp_path / "data")
    labels = prepared("coco", root, tmp_path / "photos")
    manifest = json.loads((labels / "manifest.json").read_text())
    assert manifest["images"] == {"train": 80, "test": 80}
    assert manifest["boxes"] == {"train": 705, "test": 815}
    assert len(manifest["classes"]) == 80
    boxes = [b for part in ("train", "test")
             for image in json.loads((labels / f"{part}.json").read_text())
             for b in image["annotations"]]  # fmt: skip
    assert sum(box["iscrowd"] for box in boxes) == 17
    changes = CHANGES | {"detection.coco": {**DETECTION, **SIDES, "kind": "mask-rcnn-c4"}}
    out = call(transfer, "coco", changes, labels=labels, weights=weights, statistics=statistics)
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics["classes"] == 80
    assert {"AP_box", "AP_mask", "AP50_mask_untrained"} <= metrics.keys()
    predictions = json.loads((out / "predictions.json").read_text())
    assert {p["category_id"] for p in predictions} <= set(manifest["category_ids"])
