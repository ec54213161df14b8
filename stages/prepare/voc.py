"""PASCAL VOC's layout: VOCdevkit/VOC<year>/{Annotations,JPEGImages,ImageSets/Main}.

As in the papers, training is on the trainval sets of all years together (2007 and 2012) and the
test on the year that has a test set. A data set without any test set is trained on `train` and
tested on `val`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from stages.core.command import InputError
from stages.core.settings import Data
from stages.prepare.annotated import XYXY, Annotated, area

ENDINGS = (".jpg", ".jpeg", ".png")


def read_voc(root: Path, settings: Data) -> Annotated:
    """Classes are those of the sets' own class files (`cat_trainval.txt`) or, without such files,
    the names in the training annotations. Raises InputError if `root` is not in this layout."""
    devkit = root / "VOCdevkit" if (root / "VOCdevkit").is_dir() else root
    years = sorted(
        path
        for path in (devkit.iterdir() if devkit.is_dir() else ())
        if re.fullmatch(r"VOC\d{4}", path.name) and (path / "ImageSets" / "Main").is_dir()
    )
    tested = [year for year in years if _set(year, "test").exists()]
    names = ("trainval", "test") if tested else ("train", "val")
    sets = {
        "train": [_set(year, names[0]) for year in years if _set(year, names[0]).exists()],
        "test": [_set(year, names[1]) for year in tested or years],
    }
    missing = [f"no {n}.txt" for n, part in zip(names, sets.values(), strict=True) if not part]
    if not years or missing or not all(path.exists() for path in sets["test"]):
        raise InputError(
            f"{root} is not in VOC's layout ({', '.join(missing) or 'a set is missing'}); expected "
            "VOCdevkit/VOC<year>/Annotations/*.xml, JPEGImages/*.jpg, ImageSets/Main/trainval.txt "
            "and test.txt (or train.txt and val.txt); set data.root to the folder that has them"
        )
    found = Annotated("voc", devkit, [], {}, [])
    for name, paths in sets.items():
        found.parts[name] = [
            image
            for path in paths
            for number in path.read_text().split("\n")
            if number.split() and (image := _read(found, path.parents[2], number.split()[0]))
        ]
    ending = f"_{names[0]}.txt"
    listed = [path.name for year in years for path in _set(year, "").parent.glob(f"*{ending}")]
    given = {box["name"] for image in found.parts["train"] for box in image["annotations"]}
    found.classes = sorted({name.removesuffix(ending) for name in listed} or given)
    _number_classes(found)
    found.notes = {"year": int(sets["test"][0].parents[2].name.removeprefix("VOC"))}
    return found


def _set(year: Path, name: str) -> Path:
    return year / "ImageSets" / "Main" / f"{name}.txt"


def _number_classes(found: Annotated) -> None:
    numbers = {name: number for number, name in enumerate(found.classes)}
    for part in found.parts.values():
        for image in part:
            for box in image["annotations"]:
                name = box.pop("name")
                box["category_id"] = numbers.get(name, -1)
                if name not in numbers:
                    wrong = f"class {name!r} is none of {', '.join(found.classes)}"
                    found.problems.append((image["file_name"], wrong))


def _read(found: Annotated, year: Path, number: str) -> dict[str, Any] | None:
    """One image's annotation; None if its file cannot be used, which is noted in `found`."""
    file = year / "Annotations" / f"{number}.xml"
    name = str(file.relative_to(found.root))
    try:
        tree = ElementTree.parse(file)
        size = [int(tree.findtext(f"size/{side}")) for side in ("height", "width")]
        given = tree.findtext("filename") or ""
        boxes = [_box(entry) for entry in tree.iterfind("object")]
    except FileNotFoundError:
        found.problems.append((name, "there is no such file"))
        return None
    except (ElementTree.ParseError, TypeError, ValueError) as error:
        found.problems.append((name, f"it is no VOC annotation ({error})"))
        return None
    images = [year / "JPEGImages" / f"{number}{ending}" for ending in ENDINGS]
    images.append(year / "JPEGImages" / Path(given).name)
    image = next((path for path in images if path.is_file()), images[0])
    kept = []
    for box in boxes:
        x0, y0, x1, y1 = box["bbox"]
        # Written as it is in the file; there the last pixel belongs to the box, but annotators that
        # give a box the same first and last pixel mean an accidental click.
        if x1 - x0 <= 1 or y1 - y0 <= 1 or not area(box["bbox"], size[1], size[0]):
            written = [x0 + 1, y0 + 1, x1, y1]
            found.dropped.append({"image": name, "box": written, "name": box["name"]})
        else:
            kept.append(box)
    return {
        "file_name": str(image.relative_to(found.root)),
        "image_id": number,
        "height": size[0],
        "width": size[1],
        "annotations": kept,
    }


def _box(entry: ElementTree.Element) -> dict[str, Any]:
    """VOC counts pixels from 1: the first two numbers become one less (as Detectron2 reads it)."""
    values = [float(entry.findtext(f"bndbox/{k}")) for k in ("xmin", "ymin", "xmax", "ymax")]
    return {
        "name": entry.findtext("name"),
        "bbox": [values[0] - 1, values[1] - 1, values[2], values[3]],
        "bbox_mode": XYXY,
        "iscrowd": 0,
        "difficult": int(entry.findtext("difficult") or 0),
    }
