"""COCO's layout: annotations/instances_{train,val}<year>.json beside folders {train,val}<year>."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

from nassl.files import InputError
from nassl.settings import Data
from stages.layouts.coco import annotation_files, coco_root
from stages.prepare.annotated import Annotated
from stages.prepare.boxes import Tally, judge
from stages.prepare.coco_boxes import boxes_of
from stages.prepare.coco_categories import joined, read_categories
from stages.prepare.coco_schema import check_instances
from stages.prepare.file_names import FileNames


def coco(settings: Data, _folder: Path) -> Annotated:
    """`read_coco` of the data's root."""
    return read_coco(Path(settings.root), settings)


def read_coco(root: Path, settings: Data) -> Annotated:
    """Classes are the categories of the two files, in the order of their ids.

    Raises InputError if `root` is not in this layout, if ids or names of images or categories are
    not unique, or if most boxes of a part do not fit their images.
    """
    root = coco_root(root)
    files = annotation_files(root)
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
        content = _content(found, file)
        check_instances(content, file)
        categories[part] = read_categories(content, file)
        found.parts[part] = _read_part(found, part, file, content, categories[part])
    names = joined(categories, {part: file for part, (file,) in files.items()})
    ids = list(names)
    found.classes = list(names.values())
    for part, own in categories.items():
        if own.keys() != names.keys():
            _renumber(found.parts[part], sorted(own), ids)
    _name_alike(found)
    truth = files["test"][0].relative_to(root).as_posix()
    found.notes = {"category_ids": ids, "truth": truth}
    return found


def _content(found: Annotated, file: Path) -> Any:
    try:
        text = _text(found.read(file))
        return json.loads(text)
    except (ValueError, RecursionError) as error:  # not a text, not JSON, nested without end
        raise InputError(
            f"{file} is not JSON: {error}; it may be cut off: download or export it again"
        ) from error


def _text(content: bytes) -> str:
    """UTF-8, UTF-16 or UTF-32, with or without a byte-order mark."""
    return content.decode(json.detect_encoding(content)).removeprefix("\ufeff")


def _read_part(
    found: Annotated, part: str, file: Path, content: dict[str, Any], categories: dict[int, str]
) -> list[dict[str, Any]]:
    """The images of one annotation file; those without any annotation are kept."""
    folder, tally = file.stem.removeprefix("instances_"), Tally()
    names = FileNames(found.root / folder)
    images = _images(found, part, file, content["images"], names)
    used = {image["file_name"].removeprefix(f"{folder}/") for image in images.values()}
    if left := names.images_beside(used):
        text = f"image files of {folder}/ are not listed in {file.name}: they are not used"
        found.remarks.add(part, text, left[0], len(left))
    annotations = defaultdict(list)
    for entry in content["annotations"]:
        annotations[entry["image_id"]].append(entry)
    seen: set[int] = set()
    numbers = {identity: number for number, identity in enumerate(sorted(categories))}
    for identity, image in images.items():
        entries = annotations.pop(identity, [])
        for entry in entries:
            wrong = None
            if entry["id"] in seen:
                wrong = f"the annotation id {entry['id']} occurs twice in {file.name}"
            elif entry["category_id"] not in numbers:
                wrong = (
                    f"category_id {entry['category_id']} is not among the categories of {file.name}"
                )
            seen.add(entry["id"])
            if wrong:
                found.problems.append((image["file_name"], wrong))
        known = [entry for entry in entries if entry["category_id"] in numbers]
        image["annotations"] += boxes_of(found, part, image, known, (numbers, categories), tally)
    for identity in annotations:
        found.problems.append(
            (f"{file.name}", f"annotations of image {identity}, which it does not list")
        )
    judge(tally, f"{file}", "[x, y, width, height]", "corners, [x0, y0, x1, y1]")
    if tally.masked and (bare := tally.unmasked):
        text = "boxes have no mask, others have: they count as boxes alone"
        found.remarks.add(part, text, bare[0], len(bare))
    # An image that has several ids is there several times, as one and the same mapping.
    return list({id(image): image for image in images.values()}.values())


def _images(
    found: Annotated, part: str, file: Path, entries: list[dict[str, Any]], names: FileNames
) -> dict[int, dict[str, Any]]:
    """The images by id. Raises InputError if two images have the same id."""
    images: dict[int, dict[str, Any]] = {}
    files: dict[str, dict[str, Any]] = {}
    for entry in entries:
        identity, size = entry["id"], (int(entry["width"]), int(entry["height"]))
        name, wrong = _file_name(found.root, entry["file_name"], names)
        if identity in images and images[identity]["file_name"] != name:
            raise InputError(
                f"{file}: the image id {identity} belongs to {images[identity]['file_name']!r} and "
                f"to {name!r}; give each an id of its own, in images and in annotations"
            )
        image = files.get(name)
        if image is None:
            image = files[name] = {
                "file_name": name,
                "image_id": identity,
                "height": size[1],
                "width": size[0],
                "annotations": [],
            }
            if wrong:
                found.problems.append((name, wrong))
        elif size != (image["width"], image["height"]):
            found.problems.append((name, f"{file.name} lists it twice, with two sizes"))
        else:
            text = "images are listed several times: their boxes are put together"
            found.remarks.add(part, text, name)
        images[identity] = image
    return images


def _file_name(root: Path, written: str, names: FileNames) -> tuple[str, str]:
    """The path below `root`, and what is wrong with it. Some tools write the folder before the
    name, or backslashes."""
    folder = names.folder.name
    for name in dict.fromkeys((written, written.replace("\\", "/").removeprefix("./"))):
        for path in (name, name.removeprefix(f"{folder}/")):
            found = names.find(path)
            if len(found) > 1:
                return f"{folder}/{path}", f"it may be any of {', '.join(found)}"
            if found:
                return f"{folder}/{found[0]}", ""
        if (root / name).is_file():
            return name, ""
    return f"{folder}/{written}", ""  # which is missing, and reported later


def _renumber(images: list[dict[str, Any]], own: list[int], ids: list[int]) -> None:
    """Changes class indices from the file's own categories to those of both files together."""
    places = {identity: number for number, identity in enumerate(ids)}
    for image in images:
        for box in image["annotations"]:
            box["category_id"] = places[own[box["category_id"]]]


def _name_alike(found: Annotated) -> None:
    alike = defaultdict(list)
    for name in found.classes:
        alike[name.casefold()].append(name)
    for names in alike.values():
        if len(names) > 1:
            text = f"classes differ only in upper and lower case: {', '.join(names)}"
            found.remarks.add("train", text, names[0], len(names))
