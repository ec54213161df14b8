"""COCO's layout: annotations/instances_{train,val}<year>.json beside folders {train,val}<year>."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

from stages.core.command import InputError, read_json
from stages.core.settings import Data
from stages.prepare.annotated import XYXY, Annotated, area


def read_coco(root: Path, settings: Data) -> Annotated:
    """Classes are the categories of the training file, in the order of their ids.

    Raises InputError if `root` is not in this layout or the two files' categories differ.
    """
    root = root / "coco" if (root / "coco" / "annotations").is_dir() else root
    files = {
        part: sorted((root / "annotations").glob(f"instances_{name}*.json"))
        for part, name in (("train", "train"), ("test", "val"))
    }
    if any(len(some) != 1 for some in files.values()):
        raise InputError(
            f"{root} is not in COCO's layout: it has {len(files['train'])} files "
            f"annotations/instances_train*.json and {len(files['test'])} files annotations/"
            "instances_val*.json; one of each is expected, beside the folders train* and val* with "
            "the images; set data.root to the folder that has them"
        )
    found = Annotated("coco", root, [], {}, [])
    categories = {}
    for part, (file,) in files.items():
        content = read_json(file)
        if missing := [k for k in ("images", "annotations", "categories") if k not in content]:
            raise InputError(f"{file} has no {missing[0]!r}; it is no COCO instances file")
        categories[part] = {entry["id"]: entry["name"] for entry in content["categories"]}
        found.parts[part] = _images(found, file, content, categories["train"])
    if categories["train"] != categories["test"]:
        raise InputError(f"{root}: the categories of the two annotation files differ")
    ids = sorted(categories["train"])
    found.classes = [categories["train"][number] for number in ids]
    found.notes = {"category_ids": ids, "truth": str(files["test"][0].relative_to(root))}
    return found


def _images(
    found: Annotated, file: Path, content: dict[str, Any], categories: dict[int, str]
) -> list[dict[str, Any]]:
    """The images of one annotation file; those without any annotation are kept."""
    numbers = {identity: number for number, identity in enumerate(sorted(categories))}
    folder, boxes = file.stem.removeprefix("instances_"), defaultdict(list)
    for entry in content["annotations"]:
        boxes[entry["image_id"]].append(entry)
    images, seen = [], set()
    for image in content["images"]:
        name, kept = f"{folder}/{image['file_name']}", []
        for entry in boxes.pop(image["id"], []):
            x, y, width, height = entry["bbox"]
            box = [x, y, x + width, y + height]
            wrong = None
            if entry["id"] in seen:
                wrong = f"the annotation id {entry['id']} is there twice in {file.name}"
            elif entry["category_id"] not in numbers:
                wrong = f"category_id {entry['category_id']} is none of {file.name}'s categories"
            seen.add(entry["id"])
            if wrong:
                found.problems.append((name, wrong))
            elif not area(box, image["width"], image["height"]):
                known = {"annotation": entry["id"], "name": categories[entry["category_id"]]}
                found.dropped.append({"image": name, "box": entry["bbox"], **known})
            else:
                kept.append(_box(entry, box, numbers[entry["category_id"]]))
        images.append(
            {
                "file_name": name,
                "image_id": image["id"],
                "height": image["height"],
                "width": image["width"],
                "annotations": kept,
            }
        )
    for identity in boxes:
        found.problems.append((f"{file.name}", f"annotations of image {identity}, which it lacks"))
    return images


def _box(entry: dict[str, Any], box: list[float], number: int) -> dict[str, Any]:
    """A polygon needs three points: shorter ones, which occur in COCO, are left out."""
    kept = {"bbox": box, "bbox_mode": XYXY, "category_id": number}
    kept["iscrowd"] = entry.get("iscrowd", 0)
    mask = entry.get("segmentation")
    if isinstance(mask, list):
        mask = [points for points in mask if len(points) >= 6 and len(points) % 2 == 0]
    if mask:
        kept["segmentation"] = mask
    return kept
