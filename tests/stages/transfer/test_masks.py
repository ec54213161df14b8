"""Training where only some boxes have masks, and where masks are run lengths."""

from __future__ import annotations

from itertools import islice

import pytest
import torch
from detectron2.structures import BitMasks
from detectron2.utils.events import EventStorage

from stages.transfer.data import register, training_batches
from stages.transfer.detector import build_detector
from stages.transfer.masks import fit_masks
from tests.stages.prepare.annotated_sets import coco, prepared
from tests.stages.transfer.test_accepted_coco import encoded, mixed_masks, some_masks
from tests.stages.transfer.test_batches import config


def trained(tmp_path, edit, name):
    """Config, detector and a few batches of a set."""
    data = register(prepared("coco", coco(tmp_path / name, edit), tmp_path / f"{name}-out"), name)
    cfg = config(data, kind="mask-rcnn-c4")
    fit_masks(cfg, data)
    torch.manual_seed(0)
    return cfg, build_detector(cfg), list(islice(training_batches(cfg, 0, 0), 3))


def losses(detector, batch):
    torch.manual_seed(1)
    with EventStorage():
        return detector(batch)


def moved(batch, by):
    """The batch with the placeholder masks of boxes that have none moved."""
    changed = []
    for image in batch:
        instances = image["instances"]
        for polygons, masked in zip(instances.gt_masks.polygons, instances.gt_masked, strict=True):
            if not masked:
                polygons[:] = [polygon + by for polygon in polygons]
        changed.append(image)
    return changed


def test_boxes_without_masks_are_trained_as_boxes_alone(tmp_path):
    cfg, detector, batches = trained(tmp_path, some_masks, "some")
    assert cfg.MODEL.ROI_MASK_HEAD.NAME == "SparseMaskHead"
    assert cfg.INPUT.MASK_FORMAT == "polygon"
    for batch in batches:
        for image in batch:
            assert len(image["instances"]) == 2
            assert image["instances"].gt_masked.sum() == 1
        before = losses(detector, batch)
        after = losses(detector, moved(batch, 30.0))
        assert before == after
        assert before["loss_mask"] > 0
    for polygons in batches[0][0]["instances"].gt_masks.polygons:
        polygons[:] = [polygon + 30.0 for polygon in polygons]
    assert losses(detector, batches[0])["loss_mask"] != losses(detector, batches[1])["loss_mask"]


def test_a_batch_without_any_mask_has_no_loss_of_masks(tmp_path):
    _, detector, batches = trained(tmp_path, some_masks, "none")
    for image in batches[0]:
        image["instances"].gt_masked[:] = False
    found = losses(detector, batches[0])
    assert found["loss_mask"] == 0
    sum(found.values()).backward()


def test_all_masks_there_is_detectron2_as_it_is(tmp_path):
    cfg, _, batches = trained(tmp_path, lambda content, part: None, "all")
    assert cfg.MODEL.ROI_MASK_HEAD.NAME == "MaskRCNNConvUpsampleHead"
    assert not any(image["instances"].has("gt_masked") for batch in batches for image in batch)


@pytest.mark.parametrize("edit", [encoded(True), encoded(False), mixed_masks])
def test_run_lengths_are_the_same_masks(edit, tmp_path):
    """As bits where there are no polygons; the boxes' rectangles in either case."""
    cfg, detector, batches = trained(tmp_path, edit, "runs")
    assert cfg.INPUT.MASK_FORMAT == "bitmask"
    for batch in batches:
        for image in batch:
            instances = image["instances"]
            assert isinstance(instances.gt_masks, BitMasks)
            tight = instances.gt_masks.get_bounding_boxes().tensor
            assert (tight - instances.gt_boxes.tensor).abs().max() < 1.5
        assert losses(detector, batch)["loss_mask"] > 0
