"""Average precision by Detectron2's VOC evaluator or by pycocotools, and the predictions saved."""

from __future__ import annotations

import contextlib
import io
import math
from typing import Any

import detectron2.utils.comm as comm
from detectron2.config import CfgNode
from detectron2.data import build_detection_test_loader
from detectron2.evaluation import (
    DatasetEvaluator,
    DatasetEvaluators,
    inference_on_dataset,
)
from detectron2.evaluation.coco_evaluation import instances_to_coco_json
from torch import nn

from nassl.files import InputError
from nassl.parallel.processes import world_size
from stages.transfer.classes import Precisions, must_be_found
from stages.transfer.data import Registered
from stages.transfer.mapper import Mapper, Raised
from stages.transfer.scorers import CLASSES, COCOScorer, VOCScorer
from stages.transfer.truth import Numbered, masks_name, truth

__all__ = ["evaluate", "truth"]

METRICS = ("AP50", "AP", "AP75")


def evaluate(
    cfg: CfgNode, detector: nn.Module, data: Registered
) -> tuple[dict[str, float], list[dict[str, Any]], Precisions]:
    """Average precisions as fractions, all predictions in COCO's results form, and AP and AP50 of
    boxes of every class that has some in the test images; within `truth`.

    VOC: AP50, AP, AP75. COCO: AP_box, AP50_box, AP75_box and, if the detector has masks, AP_mask,
    AP50_mask, AP75_mask. Raises InputError if a precision is not a number.
    """
    predictions = _Predictions(data)
    shared = world_size() > 1  # each process tests its part of the images, the first one evaluates
    with contextlib.redirect_stdout(io.StringIO()):
        if data.layout == "voc":
            scorers: list[DatasetEvaluator] = [VOCScorer(data.test)]
        else:
            scorers = _coco_scorers(cfg, data, shared)
        scorers = [Numbered(data, scorer) for scorer in scorers]
        mapper = Mapper(cfg, is_train=False)
        loader = Raised(build_detection_test_loader(cfg, data.test, mapper=mapper))
        scored = inference_on_dataset(detector, loader, DatasetEvaluators([*scorers, predictions]))
    results = comm.all_gather(scored)[0] if shared else scored
    found = {}
    for task, suffix in (("bbox", "_box"), ("segm", "_mask")):
        for metric in METRICS if task in results else ():
            name = metric + ("" if data.layout == "voc" else suffix)
            # Without any detection the evaluators have no number: the precision is 0.
            found[name] = float(results[task][metric]) / 100 if predictions.found else 0.0
            if not math.isfinite(found[name]):
                raise InputError(f"{data.test}: {name} is {found[name]}; a class has no test box")
    return found, predictions.found, _of_classes(results, data)


def _of_classes(results: dict[str, Any], data: Registered) -> Precisions:
    """As fractions; 0 where nothing was found."""
    classes = results.get(CLASSES) or results.get("bbox", {}).get(CLASSES)
    if classes:
        return {m: {n: value / 100 for n, value in of.items()} for m, of in classes.items()}
    known = {box["category_id"] for image in data.test_images() for box in must_be_found(image)}
    return {metric: dict.fromkeys(sorted(known), 0.0) for metric in ("AP", "AP50")}


def _coco_scorers(cfg: CfgNode, data: Registered, shared: bool) -> list[DatasetEvaluator]:
    """One, or one for boxes and one for masks where some boxes have no mask."""
    tasks = {data.test: ["bbox"]}
    if cfg.MODEL.MASK_ON:
        tasks.setdefault(masks_name(data), []).append("segm")
    # Detectron2's fast variant needs its compiled part; this one is pycocotools itself.
    return [
        COCOScorer(name, some, distributed=shared, use_fast_impl=False)
        for name, some in tasks.items()
    ]


class _Predictions(DatasetEvaluator):
    """Collects detections as COCO's results files have them."""

    def __init__(self, data: Registered) -> None:
        self.ids = data.category_ids
        self.found: list[dict[str, Any]] = []

    def evaluate(self) -> None:
        """Collects the detections of all processes, in the order of the images."""
        if world_size() > 1:
            self.found = [entry for part in comm.all_gather(self.found) for entry in part]

    def reset(self) -> None:
        self.found = []

    def process(self, inputs: list[dict], outputs: list[dict]) -> None:
        for image, output in zip(inputs, outputs, strict=True):
            entries = instances_to_coco_json(output["instances"].to("cpu"), image["image_id"])
            for entry in entries:
                entry["category_id"] = self.ids[entry["category_id"]]
            self.found += entries
