"""The evaluators against the metrics computed directly on the saved predictions."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import torch
from detectron2.structures import Boxes, Instances
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from torch import nn

from nassl.genotypes.block import resnet50
from nassl.settings import Detection, Network
from stages.transfer.config import Sets, detectron2_config
from stages.transfer.data import register
from stages.transfer.evaluate import evaluate
from stages.transfer.truth import coco_truth, truth
from tests.stages.transfer.detectors import DETECTION, MEAN, NETWORK, STD


class Guesses(nn.Module):
    """Finds the true boxes, moved a little, most of them, some under another class; masks are
    boxes. Its scores have few digits, so that nothing is lost in writing them down."""

    def __init__(self, data, masks: bool, most: int = 3) -> None:
        super().__init__()
        self.most = most  # guesses of a box, not included
        self.random = np.random.default_rng(0)
        self.true = {image["image_id"]: image["annotations"] for image in data.test_images()}
        self.classes, self.masks = len(data.classes), masks

    def forward(self, inputs):
        return [{"instances": self.guess(image)} for image in inputs]

    def guess(self, image):
        height, width = image["height"], image["width"]
        found = Instances((height, width))
        boxes, labels, scores = [], [], []
        for true in self.true[image["image_id"]]:
            for _ in range(self.random.integers(0, self.most)):
                moved = np.array(true["bbox"]) + self.random.integers(-4, 5, 4)
                x0, y0 = np.clip(moved[:2], 0, (width - 3, height - 3))
                x1, y1 = np.clip(moved[2:], (x0 + 2, y0 + 2), (width, height))
                boxes.append([x0, y0, x1, y1])
                wrong = self.random.random() < 0.2
                labels.append((true["category_id"] + wrong) % self.classes)
                scores.append(round(float(self.random.random()), 3))
        found.pred_boxes = Boxes(torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4))
        found.pred_classes = torch.tensor(labels, dtype=torch.int64)
        found.scores = torch.tensor(scores, dtype=torch.float64)
        if self.masks:
            masks = torch.zeros(len(boxes), height, width, dtype=torch.bool)
            for mask, (x0, y0, x1, y1) in zip(masks, boxes, strict=True):
                mask[int(y0) : int(y1), int(x0) : int(x1)] = True
            found.pred_masks = masks
        return found


def evaluated(labels, name, kind, most=3):
    data = register(labels, name)
    settings = Detection(**{**DETECTION, "kind": kind})
    sets = Sets(data.train, data.test, len(data.classes))
    cfg = detectron2_config(
        settings, resnet50((1, 1, 1, 1)), Network(**NETWORK), sets, MEAN, STD, "cpu"
    )
    with truth(data):
        return data, *evaluate(cfg, Guesses(data, kind == "mask-rcnn-c4", most), data)


def percent(classes, metric) -> list[float]:
    return [100 * value for _, value in sorted(classes[metric].items())]


def test_coco_precisions_are_pycocotools_on_the_saved_predictions(coco, tmp_path):
    data, found, predictions, classes = evaluated(coco, "evaluate-coco", "mask-rcnn-c4")
    (tmp_path / "predictions.json").write_text(json.dumps(predictions))
    reference = COCO(str(coco / data.manifest["root"] / data.manifest["truth"]))
    for task, suffix in (("bbox", "_box"), ("segm", "_mask")):
        scorer = COCOeval(reference, reference.loadRes(str(tmp_path / "predictions.json")), task)
        scorer.evaluate()
        scorer.accumulate()
        scorer.summarize()
        values = [found[f"{name}{suffix}"] for name in ("AP", "AP50", "AP75")]
        assert values == pytest.approx(list(scorer.stats[:3]), abs=1e-12)
        assert 0.1 < values[1] < 1
        if task == "bbox":  # the mean over classes is that of each class alone
            alone = []
            for number in data.category_ids:
                scorer.params.catIds = [number]
                scorer.evaluate()
                scorer.accumulate()
                scorer.summarize()
                alone.append(100 * scorer.stats[:2])
            assert np.array(alone).T.tolist() == [
                pytest.approx(percent(classes, metric)) for metric in ("AP", "AP50")
            ]


def test_voc_precision_is_the_eleven_point_mean_on_the_saved_predictions(voc):
    data, found, predictions, classes = evaluated(voc, "evaluate-voc", "faster-rcnn-c4")
    literal = {t: np.mean([eleven_points(data, predictions, c, t) for c in range(6)])
               for t in np.arange(50, 100, 5)}  # fmt: skip
    assert found["AP50"] == pytest.approx(literal[50], abs=1e-12)
    alone = [100 * eleven_points(data, predictions, c, 50) for c in range(6)]
    assert percent(classes, "AP50") == pytest.approx(alone)
    assert np.mean(percent(classes, "AP")) == pytest.approx(100 * found["AP"])
    assert found["AP75"] == pytest.approx(literal[75], abs=1e-12)
    assert found["AP"] == pytest.approx(np.mean(list(literal.values())), abs=1e-12)
    assert 0.1 < found["AP50"] < 1


def test_nothing_found_is_a_precision_of_zero(coco, voc):
    for labels, name, kind in (
        (coco, "none-coco", "mask-rcnn-c4"),
        (voc, "none-voc", "faster-rcnn-c4"),
    ):
        _, found, predictions, classes = evaluated(labels, name, kind, most=1)
        assert predictions == []
        assert found
        assert set(found.values()) == {0.0}
        zero = dict.fromkeys(range(6), 0.0)
        assert classes == {"AP": zero, "AP50": zero}


def eleven_points(data, predictions, label, percent) -> float:
    """VOC2007's average precision of a class, literally: detections by falling score, each matched
    with the true box that it overlaps most; pixels of a box include the last."""
    true = {image["image_id"]: [b for b in image["annotations"] if b["category_id"] == label]
            for image in data.test_images()}  # fmt: skip
    count = sum(not box["difficult"] for boxes in true.values() for box in boxes)
    found = [p for p in predictions if p["category_id"] == label]
    order = np.argsort([-p["score"] for p in found])
    taken, right, wrong = set(), [], []
    for prediction in (found[i] for i in order):
        x, y, width, height = prediction["bbox"]
        overlaps = [overlap((x + 1, y + 1, x + width, y + height), box["bbox"])
                    for box in true[prediction["image_id"]]]  # fmt: skip
        best = int(np.argmax(overlaps)) if overlaps else -1
        hit = best >= 0 and overlaps[best] > percent / 100
        if hit and true[prediction["image_id"]][best]["difficult"]:
            continue
        key = (prediction["image_id"], best)
        right.append(hit and key not in taken)
        wrong.append(not right[-1])
        if hit:
            taken.add(key)
    hits, misses = np.cumsum(right), np.cumsum(wrong)
    recall, precision = hits / count, hits / np.maximum(hits + misses, 1)
    return sum(max(precision[recall >= t], default=0) for t in np.arange(0, 1.1, 0.1)) / 11


def overlap(one, box) -> float:
    two = box[0] + 1, box[1] + 1, box[2], box[3]
    width = min(one[2], two[2]) - max(one[0], two[0]) + 1
    height = min(one[3], two[3]) - max(one[1], two[1]) + 1
    if width <= 0 or height <= 0:
        return 0.0
    areas = [(b[2] - b[0] + 1) * (b[3] - b[1] + 1) for b in (one, two)]
    return width * height / (sum(areas) - width * height)


def test_the_truth_is_what_is_listed(coco, tmp_path):
    """Not what the annotation file says: dropped boxes and images left out are not part of it."""
    whole = coco_truth(register(coco, "evaluate-truth"))
    shutil.copytree(coco, tmp_path / "labels")
    listed = json.loads((coco / "test.json").read_text())
    del listed[0]["annotations"][1]
    (tmp_path / "labels/test.json").write_text(json.dumps(listed[:-1]))
    digests = np.load(coco / "sha256-test.npy")
    np.save(tmp_path / "labels/sha256-test.npy", digests[:-1])
    less = coco_truth(register(tmp_path / "labels", "evaluate-less"))
    assert len(less["images"]) == len(whole["images"]) - 1
    last = len(whole["images"])
    gone = [entry for entry in whole["annotations"] if entry["image_id"] < last]
    assert [e["bbox"] for e in less["annotations"]] == [e["bbox"] for e in gone if e["id"] != 2]
    assert [e["id"] for e in less["annotations"]] == list(range(1, len(gone)))
    assert whole["annotations"][0]["iscrowd"]
