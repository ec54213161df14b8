"""Average precision by Detectron2's VOC evaluator or by pycocotools, and the predictions saved."""

from __future__ import annotations

import contextlib
import io
import json
import math
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from detectron2.config import CfgNode
from detectron2.data import MetadataCatalog, build_detection_test_loader
from detectron2.evaluation import (
    COCOEvaluator,
    DatasetEvaluator,
    DatasetEvaluators,
    PascalVOCDetectionEvaluator,
    inference_on_dataset,
)
from detectron2.evaluation.coco_evaluation import instances_to_coco_json
from torch import nn

from stages.core.command import InputError
from stages.transfer.data import Registered

METRICS = ("AP50", "AP", "AP75")


@contextlib.contextmanager
def truth(data: Registered) -> Iterator[None]:
    """While entered, `evaluate` finds what is to be found in the test images.

    Both evaluators read files. They are written from what `prepare` checked and kept, so that a box
    without an area counts neither in training nor here.
    """
    with tempfile.TemporaryDirectory() as folder:
        metadata = MetadataCatalog.get(data.test)
        if data.layout == "voc":
            _write_voc(data, Path(folder))
            # The evaluator knows two years: the metric with 11 points of 2007, and the later one.
            year = 2007 if data.manifest["year"] == 2007 else 2012
            metadata.set(dirname=folder, split="test", year=year)
        else:
            file = Path(folder) / "truth.json"
            file.write_text(json.dumps(coco_truth(data)))
            metadata.set(json_file=str(file))
        yield


def evaluate(cfg: CfgNode, detector: nn.Module, data: Registered) -> tuple[dict, list[dict]]:
    """Average precisions as fractions, and all predictions in COCO's results form; within `truth`.

    VOC: AP50, AP, AP75. COCO: AP_box, AP50_box, AP75_box and, if the detector has masks, AP_mask,
    AP50_mask, AP75_mask. Raises InputError if a precision is not a number.
    """
    predictions = _Predictions(data)
    with contextlib.redirect_stdout(io.StringIO()):
        if data.layout == "voc":
            scorer: DatasetEvaluator = PascalVOCDetectionEvaluator(data.test)
        else:
            tasks = ("bbox", "segm") if cfg.MODEL.MASK_ON else ("bbox",)
            # Detectron2's fast variant needs its compiled part; this one is pycocotools itself.
            scorer = COCOEvaluator(data.test, tasks, distributed=False, use_fast_impl=False)
        loader = build_detection_test_loader(cfg, data.test)
        results = inference_on_dataset(detector, loader, DatasetEvaluators([scorer, predictions]))
    found = {}
    for task, suffix in (("bbox", "_box"), ("segm", "_mask")):
        for metric in METRICS if task in results else ():
            name = metric + ("" if data.layout == "voc" else suffix)
            # Without any detection the evaluators have no number: the precision is 0.
            found[name] = float(results[task][metric]) / 100 if predictions.found else 0.0
            if not math.isfinite(found[name]):
                raise InputError(f"{data.test}: {name} is {found[name]}; a class has no test box")
    return found, predictions.found


class _Predictions(DatasetEvaluator):
    """Collects detections as COCO's results files have them."""

    def __init__(self, data: Registered) -> None:
        self.ids = data.category_ids
        self.found: list[dict[str, Any]] = []

    def reset(self) -> None:
        self.found = []

    def process(self, inputs: list[dict], outputs: list[dict]) -> None:
        for image, output in zip(inputs, outputs, strict=True):
            entries = instances_to_coco_json(output["instances"].to("cpu"), image["image_id"])
            for entry in entries:
                entry["category_id"] = self.ids[entry["category_id"]]
            self.found += entries


def _write_voc(data: Registered, folder: Path) -> None:
    """The test part in VOC's layout, as far as the evaluator reads it."""
    (folder / "ImageSets" / "Main").mkdir(parents=True)
    (folder / "Annotations").mkdir()
    images = data.test_images()
    names = "".join(f"{image['image_id']}\n" for image in images)
    (folder / "ImageSets" / "Main" / "test.txt").write_text(names)
    for image in images:
        tree = ElementTree.Element("annotation")
        for box in image["annotations"]:
            entry = ElementTree.SubElement(tree, "object")
            ElementTree.SubElement(entry, "name").text = data.classes[box["category_id"]]
            for key, value in (("pose", ""), ("truncated", 0), ("difficult", box["difficult"])):
                ElementTree.SubElement(entry, key).text = str(value)
            corners = ElementTree.SubElement(entry, "bndbox")
            x0, y0, x1, y1 = box["bbox"]
            for key, value in (("xmin", x0 + 1), ("ymin", y0 + 1), ("xmax", x1), ("ymax", y1)):
                ElementTree.SubElement(corners, key).text = str(round(value))
        ElementTree.ElementTree(tree).write(folder / "Annotations" / f"{image['image_id']}.xml")


def coco_truth(data: Registered) -> dict[str, Any]:
    """COCO's annotation file of the test part, without dropped boxes and images left out."""
    content = json.loads((data.root / data.manifest["truth"]).read_text())
    kept = {image["image_id"] for image in data.test_images()}
    folder = Path(data.manifest["truth"]).stem.removeprefix("instances_")
    dropped = {
        entry["annotation"]
        for entry in data.manifest["dropped"]
        if entry["image"].startswith(f"{folder}/")
    }
    content["images"] = [image for image in content["images"] if image["id"] in kept]
    content["annotations"] = [
        entry
        for entry in content["annotations"]
        if entry["image_id"] in kept and entry["id"] not in dropped
    ]
    content.setdefault("info", {})
    return content
