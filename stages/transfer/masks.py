"""Masks of a data set that has them for some of its boxes only, or as run lengths."""

from __future__ import annotations

import torch
from detectron2.config import CfgNode
from detectron2.modeling import ROI_MASK_HEAD_REGISTRY
from detectron2.modeling.roi_heads.mask_head import MaskRCNNConvUpsampleHead
from detectron2.structures import Instances
from torch import Tensor

from nassl.files import InputError
from stages.transfer.data import Registered


@ROI_MASK_HEAD_REGISTRY.register()
class SparseMaskHead(MaskRCNNConvUpsampleHead):
    """Detectron2's mask head, which learns nothing from boxes without a mask."""

    def forward(self, x: Tensor, instances: list[Instances]) -> dict[str, Tensor] | list[Instances]:
        """`x` (N, C, H, W): regions of all images, those of `instances` in turn."""
        if self.training and any(one.has("gt_masked") for one in instances):
            masked = [
                one.gt_masked
                if one.has("gt_masked")
                else torch.ones(len(one), dtype=torch.bool, device=x.device)
                for one in instances
            ]
            x = x[torch.cat(masked)]
            instances = [one[some] for one, some in zip(instances, masked, strict=True)]
        return super().forward(x, instances)


def fit_masks(cfg: CfgNode, data: Registered) -> None:
    """Sets what a detector with masks needs for those that the data have.

    Raises InputError if a part has none.
    """
    if not cfg.MODEL.MASK_ON:
        return
    for name, images in (("train", data.train_images()), ("test", data.test_images())):
        boxes = [box for image in images for box in image["annotations"] if not box["iscrowd"]]
        masks = [box["segmentation"] for box in boxes if "segmentation" in box]
        if not masks:
            raise InputError(
                f"{data.labels / f'{name}.json'}: none of {len(boxes)} boxes has a usable mask, "
                "and detection.kind is 'mask-rcnn-c4'; take faster-rcnn-c4, or data with masks"
            )
        if name == "train" and len(masks) < len(boxes):
            cfg.MODEL.ROI_MASK_HEAD.NAME = SparseMaskHead.__name__
        if name == "train" and any(isinstance(mask, dict) for mask in masks):
            cfg.INPUT.MASK_FORMAT = "bitmask"
