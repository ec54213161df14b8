"""What an iteration sees depends on seed and iteration alone."""

from __future__ import annotations

import json
from itertools import islice

import pytest
import torch

from nassl.files import InputError
from nassl.genotypes.block import resnet50
from nassl.settings import Detection, Network
from stages.transfer.config import Sets, detectron2_config
from stages.transfer.data import register, training_batches
from tests.stages.transfer.detectors import DETECTION, MEAN, NETWORK, STD


def config(data, workers=0, **changes):
    sets = Sets(data.train, data.test, len(data.classes))
    settings = Detection(**{**DETECTION, **changes})
    return detectron2_config(
        settings, resnet50((1, 1, 1, 1)), Network(**NETWORK), sets, MEAN, STD, "cpu", workers
    )


def batches(cfg, count, first=0, seed=0):
    return list(islice(training_batches(cfg, seed, first), count))


def same(one, two):
    return all(
        a["file_name"] == b["file_name"] and torch.equal(a["image"], b["image"])
        and torch.equal(a["instances"].gt_boxes.tensor, b["instances"].gt_boxes.tensor)
        for x, y in zip(one, two, strict=True) for a, b in zip(x, y, strict=True)
    )  # fmt: skip


def test_a_later_start_and_worker_processes_see_the_same_batches(coco):
    data = register(coco, "batches-coco")
    cfg = config(data)
    whole = batches(cfg, 12)
    assert same(whole[7:], batches(cfg, 5, first=7))
    assert same(whole[:4], batches(config(data, workers=2), 4))
    assert not same(whole, batches(cfg, 12, seed=1))
    flips = {tuple(b["image"].shape[1:]) for batch in whole for b in batch}
    assert len(flips) > 1  # sides are drawn


def test_batches_are_shuffled_epochs_of_images_of_one_orientation(voc):
    cfg = config(register(voc, "batches-voc"))
    seen = batches(cfg, 25)
    assert len({image["file_name"] for batch in seen for image in batch}) == 10
    for batch in seen:
        assert len({image["width"] > image["height"] for image in batch}) == 1


def test_crowds_are_not_trained_on(coco):
    data = register(coco, "batches-crowds")
    crowds = [image for image in json.loads((coco / "train.json").read_text())
              if any(box["iscrowd"] for box in image["annotations"])]  # fmt: skip
    assert len(crowds) == 1
    alone = sum(not box["iscrowd"] for box in crowds[0]["annotations"])
    found = {
        len(image["instances"])
        for batch in batches(config(data), 15)
        for image in batch
        if image["image_id"] == crowds[0]["image_id"]
    }
    assert found == {alone}


def test_too_few_images_and_data_without_boxes_are_refused(coco, tmp_path):
    with pytest.raises(InputError, match="10 training images have boxes; a batch takes 11"):
        batches(config(register(coco, "batches-few"), images_per_batch=11), 1)
    (tmp_path / "manifest.json").write_text("{}")
    with pytest.raises(InputError, match="lists no boxes; transfer needs data of the kinds voc"):
        register(tmp_path, "batches-none")
