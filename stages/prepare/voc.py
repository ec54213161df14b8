"""PASCAL VOC's layout: VOCdevkit/VOC<year>/{Annotations,JPEGImages,ImageSets/Main}.

As in the papers, training is on the trainval sets of all years together (2007 and 2012) and the
test on the year that has a test set. A data set without any test set is trained on `train` and
tested on `val`.

An image is known by its year and by the name that its list gives it, which is also the name of its
annotation; what the annotation says in <filename> counts only if no image has that name.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nassl.files import InputError
from nassl.settings import Data
from stages.prepare.annotated import XYXY, Annotated
from stages.prepare.boxes import Tally, clipped, fits_as_size, is_empty, is_relative, judge
from stages.prepare.file_names import FileNames, class_name
from stages.prepare.voc_images import image_of
from stages.prepare.voc_lists import annotation_names, read_list
from stages.prepare.voc_xml import VocAnnotation, VocObject, read_annotation

LONGEST = 200  # characters of a list's line that an error shows


@dataclass(frozen=True)
class Year:
    """A folder VOC<year>: its files by name, its lists by the name of their set."""

    folder: Path
    annotations: FileNames
    images: FileNames

    def lists(self, *names: str) -> list[Path]:
        files = [self.folder / "ImageSets" / "Main" / f"{name}.txt" for name in names]
        return [file for file in files if file.exists()]


def voc(settings: Data, _folder: Path) -> Annotated:
    """`read_voc` of the data's root."""
    return read_voc(Path(settings.root), settings)


def read_voc(root: Path, settings: Data) -> Annotated:
    """Classes are those of the sets' own class files (`cat_trainval.txt`) or, without such files,
    the names in the training annotations.

    Raises InputError if `root` is not in this layout, if class names differ in case alone, or if
    most boxes of a part do not fit their images.
    """
    devkit = root / "VOCdevkit" if (root / "VOCdevkit").is_dir() else root
    years = [
        Year(path, FileNames(path / "Annotations"), FileNames(path / "JPEGImages"))
        for path in sorted(devkit.iterdir() if devkit.is_dir() else ())
        if re.fullmatch(r"VOC\d{4}", path.name) and (path / "ImageSets" / "Main").is_dir()
    ]
    tested = [year for year in years if year.lists("test")]
    names = ("trainval", "test") if tested else ("train", "val")
    sets = {
        "train": [(year, year.lists(names[0])) for year in years],
        "test": [(year, year.lists(names[1])) for year in tested or years],
    }
    if tested:  # trainval is train and val together
        sets["train"] = [(year, some or year.lists("train", "val")) for year, some in sets["train"]]
    sets["train"] = [(year, some) for year, some in sets["train"] if some]
    missing = [
        f"no {name}.txt"
        for name, part in zip(names, sets.values(), strict=True)
        if not any(some for _, some in part)
    ]
    if not years or missing or not all(some for _, some in sets["test"]):
        raise InputError(
            f"{root} is not in VOC's layout ({', '.join(missing) or 'a set is missing'}); expected "
            "VOCdevkit/VOC<year>/Annotations/*.xml, JPEGImages/*.jpg, ImageSets/Main/trainval.txt "
            "and test.txt (or train.txt and val.txt); set data.root to the folder that has them"
        )
    found = Annotated("voc", devkit, [], {}, [])
    for part, lists in sets.items():
        found.parts[part], tally = [], Tally()
        for year, files in lists:
            found.parts[part] += _read_year(found, part, year, files, tally)
        judge(tally, f"{root}, {part}", "xmin, ymin, xmax, ymax", "x, y, width, height")
    _name_unlisted(found, years)
    _number_images(found)
    ending = f"_{names[0]}.txt"
    listed = [p.name for year in years for p in year.folder.glob(f"ImageSets/Main/*{ending}")]
    _number_classes(found, {class_name(name.removesuffix(ending)) for name in listed})
    found.notes = {"year": int(sets["test"][0][0].folder.name.removeprefix("VOC"))}
    return found


def _read_year(
    found: Annotated, part: str, year: Year, files: list[Path], tally: Tally
) -> list[dict[str, Any]]:
    """The images of a year's lists, each once, in their order."""
    images, seen, owners = [], set(), {}
    if len(files) > 1:
        text = "years without a list of their own take train and val together"
        found.remarks.add(part, text, year.folder.name)
    for file in files:
        lines = read_list(file, found.read(file))
        for line, names in annotation_names(lines, year.annotations):
            place = f"{year.folder.name}/Annotations/{names[0] if names else line[:LONGEST]}.xml"
            if not names:
                found.problems.append((place, f"there is no such file; {file.name} lists it"))
            elif len(names) > 1:
                several = ", ".join(f"{name}.xml" for name in names)
                found.problems.append(
                    (place, f"{line[:LONGEST]!r} of {file.name} may be any of {several}")
                )
            elif names[0] in seen:
                text = "lines of the lists name an image that is listed before: it is used once"
                found.remarks.add(part, text, f"{file.name}: {line}")
            elif image := _read(found, part, year, names[0], tally):
                owner = owners.setdefault(image["file_name"], names[0])
                if owner != names[0]:
                    wrong = f"Annotations/{owner}.xml and {names[0]}.xml both describe it"
                    found.problems.append((image["file_name"], wrong))
                images.append(image)
            seen.update(names[:1])
    return images


def _read(
    found: Annotated, part: str, year: Year, name: str, tally: Tally
) -> dict[str, Any] | None:
    """One image's annotation; None if its file cannot be used, which is noted in `found`."""
    file = year.folder / "Annotations" / year.annotations.find(f"{name}.xml")[0]
    place = file.relative_to(found.root).as_posix()
    try:
        annotation = read_annotation(found.read(file))
        image, stale = image_of(name, annotation.file_name, year.images, year.annotations)
    except ValueError as error:
        found.problems.append((place, f"it is not a VOC annotation ({error})"))
        return None
    except LookupError as error:
        found.problems.append((place, str(error.args[0])))
        return None
    if stale:
        found.remarks.add(
            part,
            "annotations name another image in <filename> than the one that has their own name: "
            "the latter is used",
            f"{place}: {annotation.file_name}",
        )
    return {
        "file_name": f"{year.folder.name}/JPEGImages/{image}",
        "image_id": name,
        "height": annotation.height,
        "width": annotation.width,
        "annotations": _boxes(found, part, place, annotation, tally),
    }


def _boxes(
    found: Annotated, part: str, place: str, annotation: VocAnnotation, tally: Tally
) -> list[dict[str, Any]]:
    """Boxes within the image: each once, in whole pixels, as VOC's metric reads them."""
    width, height, kept = annotation.width, annotation.height, {}
    for entry in annotation.objects:
        corners, wrong = entry.corners, ""
        if fits_as_size(corners, width, height):
            tally.other += 1
        if is_relative(corners, width, height):
            wrong = "relative"
        elif any(value != int(value) for value in corners):
            corners = tuple(float(math.floor(value + 0.5)) for value in corners)
            found.remarks.add(part, "boxes have fractions of pixels: they are rounded", place)
        if not wrong and 0 in corners[:2]:
            text = "boxes begin at pixel 0: VOC counts from 1, all boxes may be a pixel off"
            found.remarks.add(part, text, place)
        # VOC counts pixels from 1: the first two numbers become one less, as Detectron2 reads it.
        box = (corners[0] - 1, corners[1] - 1, corners[2], corners[3])
        inner, far = clipped(box, width, height)
        # There the last pixel belongs to the box, but annotators that give a box the same first and
        # last pixel mean an accidental click.
        if not wrong and (min(box[2] - box[0], box[3] - box[1]) <= 1 or is_empty(inner)):
            wrong = "empty"
        elif not wrong and far:
            wrong = "beyond"
            found.remarks.add(part, "boxes reach beyond their image: they are clipped", place)
        tally.add(place, entry.corners, width, height, wrong)
        if wrong in ("empty", "relative"):
            found.drop(place, list(entry.corners), wrong, name=entry.name)
            continue
        key = (entry.name, inner)
        if key in kept:
            text = "boxes are listed twice in their image, with the same class: they count once"
            found.remarks.add(part, text, place)
            kept[key]["difficult"] = min(kept[key]["difficult"], entry.difficult)
        else:
            kept[key] = _listed(entry, inner)
    return list(kept.values())


def _listed(entry: VocObject, box: tuple[float, ...]) -> dict[str, Any]:
    return {
        "name": entry.name,
        "bbox": list(box),
        "bbox_mode": XYXY,
        "iscrowd": 0,
        "difficult": entry.difficult,
    }


def _name_unlisted(found: Annotated, years: list[Year]) -> None:
    files = {image["file_name"] for part in found.parts.values() for image in part}
    for year in years:
        start = f"{year.folder.name}/JPEGImages/"
        used = {name.removeprefix(start) for name in files if name.startswith(start)}
        if left := year.images.images_beside(used):
            text = f"images of {year.folder.name}/JPEGImages/ are in no list: they are not used"
            found.remarks.add("all parts", text, left[0], len(left))


def _number_images(found: Annotated) -> None:
    """An image's id is its name, with the year before it if two years have that name."""
    years = defaultdict(set)
    for part in found.parts.values():
        for image in part:
            years[image["image_id"]].add(image["file_name"].partition("/")[0])
    for part in found.parts.values():
        for image in part:
            if len(years[image["image_id"]]) > 1:
                image["image_id"] = f"{image['file_name'].partition('/')[0]}/{image['image_id']}"


def _number_classes(found: Annotated, listed: set[str]) -> None:
    """`listed` are the classes that have files of their own."""
    given = Counter(
        box["name"]
        for part in found.parts.values()
        for image in part
        for box in image["annotations"]
    )
    alike = defaultdict(list)
    for name in sorted(given):
        alike[name.casefold()].append(name)
    for names in () if listed else alike.values():
        if len(names) > 1:
            raise InputError(
                f"{found.root}: classes differ only in upper and lower case: "
                + ", ".join(f"{name!r} ({given[name]} boxes)" for name in names)
                + "; give them one spelling in the annotations, or, if they are different classes, "
                "list the images of each in a file ImageSets/Main/<class>_trainval.txt"
            )
    trained = {box["name"] for image in found.parts["train"] for box in image["annotations"]}
    found.classes = sorted(listed or trained)
    numbers = {name: number for number, name in enumerate(found.classes)}
    for part in found.parts.values():
        for image in part:
            for box in image["annotations"]:
                name = box.pop("name")
                box["category_id"] = numbers.get(name, -1)
                if name not in numbers:
                    wrong = f"class {name!r} is not among: {', '.join(found.classes)}"
                    found.problems.append((image["file_name"], wrong))
