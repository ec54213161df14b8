"""Scenes written as the genuine data sets are: VOCdevkit with XML, COCO with JSON."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from contourpy import FillType, contour_generator
from PIL import Image

from nassl.settings import Data
from stages.prepare.annotated import Annotated
from stages.prepare.coco import read_coco
from stages.prepare.scenes import CLASSES, DIFFICULT, Scene, Thing, scenes
from stages.prepare.voc import read_voc

QUALITY = 95  # of JPEG


def scenes_voc(settings: Data, folder: Path) -> Annotated:
    """Scenes that are drawn, written to the folder in VOC's layout, and read like any other."""
    write_voc(scenes(settings, crowds=False), folder)
    return read_voc(folder, settings)


def scenes_coco(settings: Data, folder: Path) -> Annotated:
    """The same in COCO's layout, with crowds."""
    write_coco(scenes(settings, crowds=True), folder)
    return read_coco(folder, settings)


def write_voc(parts: dict[str, list[Scene]], root: Path) -> None:
    """`root/VOCdevkit/VOC2007` and `VOC2012`, training scenes in both, tests in 2007."""
    half = (len(parts["train"]) + 1) // 2
    years = {
        "VOC2007": {"trainval": parts["train"][:half], "test": parts["test"]},
        "VOC2012": {"trainval": parts["train"][half:]},
    }
    for year, sets in years.items():
        folder = root / "VOCdevkit" / year
        for name in ("Annotations", "JPEGImages", "ImageSets/Main"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        number = 0
        for name, some in sets.items():
            images = []
            for scene in some:
                number += 1
                image = f"{number:06d}" if year == "VOC2007" else f"2012_{number:06d}"
                Image.fromarray(scene.pixels).save(
                    folder / "JPEGImages" / f"{image}.jpg", quality=QUALITY
                )
                tree = ElementTree.ElementTree(_voc_tree(scene, image, year))
                ElementTree.indent(tree, "\t")
                tree.write(folder / "Annotations" / f"{image}.xml", encoding="utf-8")
                images.append(image)
            text = "".join(f"{image}\n" for image in images)
            (folder / "ImageSets" / "Main" / f"{name}.txt").write_text(text)


def _voc_tree(scene: Scene, image: str, year: str) -> ElementTree.Element:
    """VOC counts pixels from 1, and the last pixel belongs to the box."""
    height, width = scene.pixels.shape[:2]
    annotation = ElementTree.Element("annotation")

    def add(parent: ElementTree.Element, **values: object) -> None:
        for name, value in values.items():
            ElementTree.SubElement(parent, name).text = str(value)

    add(annotation, folder=year, filename=f"{image}.jpg")
    add(ElementTree.SubElement(annotation, "size"), width=width, height=height, depth=3)
    add(annotation, segmented=0)
    for thing in scene.things:
        left, top, right, bottom = thing.box
        cut = left == 0 or top == 0 or right == width or bottom == height
        entry = ElementTree.SubElement(annotation, "object")
        difficult = int(thing.visible < DIFFICULT)
        add(entry, name=CLASSES[thing.label], pose="Unspecified", truncated=int(cut))
        add(entry, difficult=difficult)
        box = ElementTree.SubElement(entry, "bndbox")
        add(box, xmin=left + 1, ymin=top + 1, xmax=right, ymax=bottom)
    return annotation


def write_coco(parts: dict[str, list[Scene]], root: Path) -> None:
    """`root/annotations/instances_{train,val}2017.json`, `root/train2017`, `root/val2017`."""
    (root / "annotations").mkdir(parents=True)
    for part, name in (("train", "train2017"), ("test", "val2017")):
        (root / name).mkdir()
        images, annotations = [], []
        for number, scene in enumerate(parts[part], 1):
            file = f"{number:012d}.jpg"
            Image.fromarray(scene.pixels).save(root / name / file, quality=QUALITY)
            height, width = scene.pixels.shape[:2]
            images.append({"id": number, "file_name": file, "height": height, "width": width})
            for thing in scene.things:
                entry = {"id": len(annotations) + 1, "image_id": number, **_coco_entry(thing)}
                annotations.append(entry)
        categories = [
            {"id": number, "name": name, "supercategory": name.partition(" ")[0]}
            for number, name in enumerate(CLASSES, 1)
        ]
        content = {"info": {"description": "generated scenes"}, "images": images}
        content |= {"annotations": annotations, "categories": categories}
        text = json.dumps(content, separators=(",", ":"))
        (root / "annotations" / f"instances_{name}.json").write_text(text)


def _coco_entry(thing: Thing) -> dict:
    left, top, right, bottom = thing.box
    mask = run_lengths(thing.mask) if thing.crowd else polygons(thing.mask)
    return {
        "category_id": thing.label + 1,
        "bbox": [left, top, right - left, bottom - top],
        "area": int(thing.mask.sum()),
        "segmentation": mask,
        "iscrowd": int(thing.crowd),
    }


def polygons(mask: np.ndarray) -> list[list[float]]:
    """Outlines of a mask (H, W), each as x, y, x, y, ... in pixels from the image's corner; holes
    are not distinguished from what surrounds them, as in COCO."""
    padded = np.pad(mask, 1).astype(float)
    lines = contour_generator(z=padded, fill_type=FillType.OuterOffset).filled(0.5, np.inf)
    outlines = []
    for points, offsets in zip(*lines, strict=True):
        outer = points[offsets[0] : offsets[1] - 1] - 0.5  # centres to corners, without the border
        outlines.append([round(float(value), 2) for value in outer.reshape(-1)])
    return outlines


def run_lengths(mask: np.ndarray) -> dict:
    """COCO's uncompressed RLE: lengths of runs of 0 and 1 in turn, down the columns."""
    flat = np.concatenate([[0], mask.reshape(-1, order="F"), [2]]).astype(int)
    places = np.flatnonzero(np.diff(flat))
    counts = np.diff(np.concatenate([[0], places])).tolist()
    return {"counts": counts, "size": list(mask.shape)}
