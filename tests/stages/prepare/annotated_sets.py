"""Small data sets in VOC's and COCO's layout, with the faults that tests ask for."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

SIZE = (96, 80)  # width, height
COLOURS = ((250, 20, 20), (20, 250, 20))
PARTS = {"train": ("trainval", "train2017", 4), "test": ("test", "val2017", 3)}

Corners = tuple[int, int, int, int]


def boxes(index: int) -> list[tuple[int, Corners]]:
    """(class, x0, y0, x1, y1) of the objects of an image: one of each class."""
    x, y = 4 + 3 * index, 6 + 2 * index
    return [(0, (x, y, x + 30, y + 24)), (1, (x + 32, y + 26, x + 58, y + 48))]


def scene(index: int, part: str) -> Image.Image:
    """Objects in their class's colour on noise, the same for the same arguments."""
    random = np.random.default_rng([index, len(part)])
    pixels = random.integers(90, 110, (SIZE[1], SIZE[0], 3), dtype=np.uint8)
    for label, (x0, y0, x1, y1) in boxes(index):
        pixels[y0:y1, x0:x1] = COLOURS[label]
    return Image.fromarray(pixels)


def save(image: Image.Image, path: Path, **options: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, **options)


def voc_xml(
    objects: list[tuple[str, Any]], file_name: str = "", size: tuple[int, int] = SIZE
) -> str:
    """`objects`: name, and the four corners as written."""
    entries = "".join(
        f"<object><name>{name}</name><difficult>0</difficult><bndbox>"
        + "".join(
            f"<{k}>{v}</{k}>" for k, v in zip(("xmin", "ymin", "xmax", "ymax"), c, strict=True)
        )
        + "</bndbox></object>"
        for name, c in objects
    )
    return (
        f"<annotation><filename>{file_name}</filename><size><width>{size[0]}</width><height>"
        f"{size[1]}</height><depth>3</depth></size>{entries}</annotation>"
    )


def voc(
    root: Path,
    year: int = 2007,
    names: tuple[str, ...] = ("cat", "dog"),
    stem: Callable[[str, int], str] = lambda part, index: f"{part}{index}",
    lines: Callable[[str, list[str]], list[str]] = lambda part, stems: stems,
    corners: Callable[[Corners], Any] = lambda box: box,
    suffix: str = "jpg",
    first: int = 0,
) -> Path:
    """The folder VOC<year>. `corners` are given those of VOC: from 1, the last pixel included."""
    folder = root / "VOCdevkit" / f"VOC{year}"
    for part, (name, _, count) in PARTS.items():
        stems = [stem(part, index) for index in range(count)]
        for index, image in enumerate(stems):
            save(scene(first + index, part), folder / "JPEGImages" / f"{image}.{suffix}")
            objects = [
                (names[label], corners((x0 + 1, y0 + 1, x1, y1)))
                for label, (x0, y0, x1, y1) in boxes(first + index)
            ]
            file = folder / "Annotations" / f"{image}.xml"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(voc_xml(objects, f"{image}.{suffix}"), encoding="utf-8")
        file = folder / "ImageSets" / "Main" / f"{name}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("".join(f"{line}\n" for line in lines(part, stems)), encoding="utf-8")
    return folder


def coco(
    root: Path,
    edit: Callable[[dict[str, Any], str], None] = lambda content, part: None,
    store: Callable[[Image.Image, Path], None] = save,
    names: tuple[str, ...] = ("cat", "dog"),
    suffix: str = "png",
) -> Path:
    """`edit(content, part)` changes each annotation file before it is written."""
    for part, (_, folder, count) in PARTS.items():
        images, annotations = [], []
        for index in range(count):
            file = f"{index:03d}.{suffix}"
            store(scene(index, part), root / folder / file)
            size = {"width": SIZE[0], "height": SIZE[1]}
            images.append({"id": index + 1, "file_name": file, **size})
            for label, (x0, y0, x1, y1) in boxes(index):
                width, height = x1 - x0, y1 - y0
                entry = {"id": len(annotations) + 1, "image_id": index + 1, "iscrowd": 0}
                entry |= {"category_id": label + 1, "bbox": [x0, y0, width, height]}
                entry |= {"area": width * height}
                entry["segmentation"] = [[x0, y0, x1, y0, x1, y1, x0, y1]]
                annotations.append(entry)
        categories = [{"id": number, "name": name} for number, name in enumerate(names, 1)]
        content = {"images": images, "annotations": annotations, "categories": categories}
        edit(content, part)
        target = root / "annotations" / f"instances_{folder}.json"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps(content))
    return root


def prepared(kind: str, root: Path, out: Path, **changes: Any) -> Path:
    """The folder labels/ that the stage writes."""
    from nassl.settings import DATASETS
    from stages.prepare.__main__ import prepare
    from stages.runs.run import Run

    settings = DATASETS[kind](kind, root=str(root), **changes)
    prepare(Run("prepare", "own", None, {"data": settings}, None, ()), None, out)
    return out / "labels"


def read(labels: Path, name: str) -> Any:
    return json.loads((labels / f"{name}.json").read_text())


def remarks(labels: Path) -> list[tuple[str, int, str]]:
    """(part, count, text) of the manifest."""
    return [(r["part"], r["count"], r["text"]) for r in read(labels, "manifest")["remarks"]]
