"""The ground truth of the test images, written as the evaluators read it.

It comes from what `prepare` checked and kept, so that a box that was clipped or dropped counts here
as it does in training. The evaluators' names for images and classes are numbers: the names in data
sets may be invalid as file names, contain spaces, or be 0, which pycocotools takes for "none".
"""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from detectron2.data import MetadataCatalog
from detectron2.evaluation import DatasetEvaluator

from stages.transfer.data import Registered, class_name
from stages.transfer.mapper import rectangle


@contextlib.contextmanager
def truth(data: Registered) -> Iterator[None]:
    """While entered, the evaluators of `data.test`, and for masks of `masks_name(data)`, find the
    ground truth."""
    with tempfile.TemporaryDirectory() as folder:
        metadata = MetadataCatalog.get(data.test)
        if data.layout == "voc":
            _write_voc(data, Path(folder))
            # The evaluator knows two years: the metric with 11 points of 2007, and the later one.
            year = 2007 if data.manifest["year"] == 2007 else 2012
            metadata.set(dirname=folder, split="test", year=year)
        else:
            _write_coco(data, data.test, Path(folder) / "truth.json", masks=False)
            if (name := masks_name(data)) != data.test:
                MetadataCatalog.get(name).set(thing_classes=metadata.thing_classes)
                _write_coco(data, name, Path(folder) / "masks.json", masks=True)
        try:
            yield
        finally:
            if masks_name(data) in MetadataCatalog.list() and masks_name(data) != data.test:
                MetadataCatalog.remove(masks_name(data))


def masks_name(data: Registered) -> str:
    """The name under which Detectron2 knows the ground truth of masks: that of boxes, if all have
    masks."""
    boxes = (box for image in data.test_images() for box in image["annotations"])
    return data.test if all("segmentation" in box for box in boxes) else f"{data.test}-masks"


def numbers(data: Registered) -> dict[Any, int]:
    """The evaluators' number of every test image by its id, in the order of the ids."""
    return {
        identity: number
        for number, identity in enumerate(sorted(i["image_id"] for i in data.test_images()), 1)
    }


class Numbered(DatasetEvaluator):
    """An evaluator that is told of the images by `numbers`."""

    def __init__(self, data: Registered, evaluator: DatasetEvaluator) -> None:
        self.numbers, self.evaluator = numbers(data), evaluator

    def reset(self) -> None:
        self.evaluator.reset()

    def process(self, inputs: list[dict], outputs: list[dict]) -> None:
        inputs = [image | {"image_id": self.numbers[image["image_id"]]} for image in inputs]
        self.evaluator.process(inputs, outputs)

    def evaluate(self) -> dict[str, Any] | None:
        return self.evaluator.evaluate()


def coco_truth(data: Registered, masks: bool = False) -> dict[str, Any]:
    """COCO's annotation file of the test part. For `masks` a box without one becomes a crowd: it
    need not be found, and what is found there is not wrong."""
    identities = numbers(data)
    images, annotations = [], []
    for image in data.test_images():
        number = identities[image["image_id"]]
        size = {key: image[key] for key in ("width", "height")}
        images.append({"id": number, "file_name": image["file_name"], **size})
        for box in image["annotations"]:
            x0, y0, x1, y1 = box["bbox"]
            entry = {
                "id": len(annotations) + 1,
                "image_id": number,
                "category_id": box["category_id"] + 1,
                "bbox": [x0, y0, x1 - x0, y1 - y0],
                "area": (x1 - x0) * (y1 - y0),
                "iscrowd": box["iscrowd"],
            }
            if "segmentation" in box:
                entry["segmentation"] = box["segmentation"]
            elif masks:
                entry |= {"segmentation": [rectangle(box["bbox"])], "iscrowd": 1}
            annotations.append(entry)
    categories = [{"id": n, "name": class_name(n - 1)} for n in range(1, len(data.classes) + 1)]
    return {"info": {}, "images": images, "annotations": annotations, "categories": categories}


def _write_coco(data: Registered, name: str, file: Path, masks: bool) -> None:
    file.write_text(json.dumps(coco_truth(data, masks)))
    places = {number + 1: number for number in range(len(data.classes))}
    MetadataCatalog.get(name).set(json_file=str(file), thing_dataset_id_to_contiguous_id=places)


def _write_voc(data: Registered, folder: Path) -> None:
    """The test part in VOC's layout, as far as the evaluator reads it."""
    (folder / "ImageSets" / "Main").mkdir(parents=True)
    (folder / "Annotations").mkdir()
    identities, images = numbers(data), data.test_images()
    lines = "".join(f"{identities[image['image_id']]}\n" for image in images)
    (folder / "ImageSets" / "Main" / "test.txt").write_text(lines)
    for image in images:
        tree = ElementTree.Element("annotation")
        for box in image["annotations"]:
            entry = ElementTree.SubElement(tree, "object")
            ElementTree.SubElement(entry, "name").text = class_name(box["category_id"])
            for key, value in (("pose", ""), ("truncated", 0), ("difficult", box["difficult"])):
                ElementTree.SubElement(entry, key).text = str(value)
            corners = ElementTree.SubElement(entry, "bndbox")
            x0, y0, x1, y1 = box["bbox"]
            for key, value in (("xmin", x0 + 1), ("ymin", y0 + 1), ("xmax", x1), ("ymax", y1)):
                ElementTree.SubElement(corners, key).text = str(round(value))
        number = identities[image["image_id"]]
        ElementTree.ElementTree(tree).write(folder / "Annotations" / f"{number}.xml")
