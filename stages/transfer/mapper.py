"""An image of a prepared list, read and augmented as Detectron2 wants it.

The pixels are those that `prepare` looked at: its reader reads them, and a file that has changed
since is refused.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from detectron2.data import DatasetMapper, detection_utils
from detectron2.data.transforms import AugInput, TransformList
from PIL import Image

from nassl.files import InputError
from nassl.image_files.decode import UnreadableImage, picture
from nassl.image_files.sources import prepare_again, unchanged


def read_picture(image: dict[str, Any]) -> Image.Image:
    """An image of a registered list, mode RGB: upright, unless its boxes are of the stored pixels.

    Raises InputError if its file is not what `prepare` saw.
    """
    path, maker = Path(image["file_name"]), image["maker"]
    content = unchanged(path, image["sha256"], maker)
    try:
        read = picture(content, turned=image.get("turned", True))
    except UnreadableImage as error:  # another version of Pillow, or out of memory
        raise InputError(
            f"{path} could be read when the data were prepared and cannot now: {error}; "
            f"{prepare_again(maker)}"
        ) from error
    if read.size != (image["width"], image["height"]):
        raise InputError(
            f"{path} is {read.width}x{read.height}, and was listed as {image['width']}x"
            f"{image['height']}; {prepare_again(maker)}"
        )
    return read


class Mapper(DatasetMapper):
    """Detectron2's, fed by `read_picture`. Boxes without a mask are marked in `gt_masked` (N,) of
    the instances where masks are trained; a rectangle takes the mask's place."""

    def __call__(self, listed: dict[str, Any]) -> dict[str, Any] | InputError:
        """Returns an InputError instead of raising it: out of a worker process it would come
        wrapped in a traceback. `Raised` raises it."""
        try:
            return self.mapped(listed)
        except InputError as error:
            return error

    def mapped(self, listed: dict[str, Any]) -> dict[str, Any]:
        """What the detector takes. Raises InputError (`read_picture`)."""
        image = AugInput(np.asarray(read_picture(listed)))  # (H, W, 3)
        listed = copy.deepcopy(listed)
        transforms = self.augmentations(image)
        pixels = image.image
        listed["image"] = torch.as_tensor(np.ascontiguousarray(pixels.transpose(2, 0, 1)))
        if self.is_train:
            self._transform_annotations(listed, transforms, pixels.shape[:2])
        else:
            del listed["annotations"]
        return listed

    def _transform_annotations(
        self, listed: dict[str, Any], transforms: TransformList, shape: tuple[int, int]
    ) -> None:
        boxes = [box for box in listed.pop("annotations") if not box["iscrowd"]]
        masked = ["segmentation" in box for box in boxes]
        for box in boxes:
            if not self.use_instance_mask:
                box.pop("segmentation", None)
            elif "segmentation" not in box:
                box["segmentation"] = [rectangle(box["bbox"])]
        instances = detection_utils.annotations_to_instances(
            [
                detection_utils.transform_instance_annotations(box, transforms, shape)
                for box in boxes
            ],
            shape,
            mask_format=self.instance_mask_format,
        )
        if self.use_instance_mask and not all(masked):
            instances.gt_masked = torch.tensor(masked)
        listed["instances"] = detection_utils.filter_empty_instances(instances)


def rectangle(box: list[float]) -> list[float]:
    """A box (x0, y0, x1, y1) as a polygon."""
    x0, y0, x1, y1 = box
    return [x0, y0, x1, y0, x1, y1, x0, y1]


class Raised:
    """Batches of a loader whose images `Mapper` maps; raises the InputErrors that it returned."""

    def __init__(self, loader: Any) -> None:
        self.loader = loader

    def __len__(self) -> int:
        return len(self.loader)

    def __iter__(self) -> Iterator[list[dict[str, Any]]]:
        for batch in self.loader:
            for image in batch:
                if isinstance(image, InputError):
                    raise image
            yield batch
