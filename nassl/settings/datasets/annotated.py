"""Images with boxes, on disk in the layouts of VOC and COCO, or generated in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from nassl.settings.data import Data, Size


@dataclass
class Voc(Data, kind="voc"):
    """PASCAL VOC, or any data set in its layout."""

    implementation: ClassVar[str] = "stages.prepare.voc:voc"
    released: ClassVar[Size | None] = Size(16_551, 4_952, 0, 20)
    boxes: ClassVar[bool] = True
    own_sizes: ClassVar[bool] = True


@dataclass
class Coco(Data, kind="coco"):
    """COCO, or any data set in its layout."""

    implementation: ClassVar[str] = "stages.prepare.coco:coco"
    released: ClassVar[Size | None] = Size(118_287, 5_000, 0, 80)
    boxes: ClassVar[bool] = True
    masks: ClassVar[bool] = True
    own_sizes: ClassVar[bool] = True


@dataclass
class ScenesVoc(Data, kind="scenes-voc"):
    """Generated scenes in VOC's layout."""

    implementation: ClassVar[str] = "stages.prepare.scene_files:scenes_voc"
    boxes: ClassVar[bool] = True


@dataclass
class ScenesCoco(Data, kind="scenes-coco"):
    """Generated scenes in COCO's layout, with masks."""

    implementation: ClassVar[str] = "stages.prepare.scene_files:scenes_coco"
    boxes: ClassVar[bool] = True
    masks: ClassVar[bool] = True
