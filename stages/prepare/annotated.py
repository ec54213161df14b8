"""Images with boxes and masks, read from a genuine layout, checked, and listed for `transfer`.

Everything that could stop a training hours later is found here: a missing or broken image, one
whose size differs from its annotation, a class that is not in the list. What is repaired on the way
(boxes dropped or clipped, keys filled in, masks left out) is counted and named.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from nassl.files import InputError, write_json
from nassl.image_files.sources import digest, save_digests
from nassl.settings import Data
from stages.layouts.remarks import Remarks
from stages.prepare.image_check import check_images
from stages.prepare.parts import CHOICE_STREAM
from stages.prepare.repeated import test_images_also_in

SHOWN = 10  # problems that an error names; the rest is counted
ANNOTATION_FILES = "annotation-files.json"
XYXY = 0  # how boxes are written: detectron2's BoxMode.XYXY_ABS, pixels from the image's corner
DETECTIONS = 100  # of an image: Detectron2's TEST.DETECTIONS_PER_IMAGE and pycocotools' maxDets
DROPPED = {
    "empty": "box without an area dropped",
    "relative": "box in fractions of the image's sides dropped",
}


@dataclass
class Annotated:
    """`parts` has for `train` and `test` a list of images: file_name (below `root`), image_id,
    height, width, annotations (bbox [x0, y0, x1, y1], category_id from 0, iscrowd, segmentation
    where there is one), and `turned` False if EXIF turns the image and its boxes are not turned."""

    layout: str  # voc | coco
    root: Path
    classes: list[str]
    parts: dict[str, list[dict[str, Any]]]
    dropped: list[dict[str, Any]]  # boxes that cannot be used: image, box, class
    problems: list[tuple[str, str]] = field(default_factory=list)  # image, what is wrong with it
    notes: dict[str, Any] = field(default_factory=dict)  # what the layout's evaluator needs
    remarks: Remarks = field(default_factory=Remarks)
    files: dict[str, str] = field(default_factory=dict)  # annotation files read: their sha256
    digests: dict[str, bytes] = field(default_factory=dict)  # of the images' files
    test_images_also_in: dict[str, int] = field(default_factory=dict)  # by part

    def read(self, file: Path) -> bytes:
        """The bytes of a file of annotations, whose hash is recorded. Raises InputError."""
        try:
            content = file.read_bytes()
        except OSError as error:
            raise InputError(f"{file} cannot be read: {error.strerror or error}") from error
        self.files[file.relative_to(self.root).as_posix()] = digest(content).hex()
        return content

    def images_of_classes(self, part: str) -> dict[str, int]:
        """For every class the images of a part with a box of it: one that is trained on, or one
        that must be found."""
        images = dict.fromkeys(self.classes, 0)
        for image in self.parts[part]:
            some = [box for box in image["annotations"] if not box["iscrowd"]]
            if part == "test":
                some = [box for box in some if not box.get("difficult")]
            for number in {box["category_id"] for box in some}:
                images[self.classes[number]] += 1
        return images

    def drop(self, image: str, box: list[float], why: str, **more: Any) -> None:
        """Records a box that cannot be used; `why` is empty or relative."""
        reason = {} if why == "empty" else {"reason": why}
        self.dropped.append({"image": image, "box": box, **more, **reason})


def settle(found: Annotated, settings: Data) -> Annotated:
    """Opens every image, and stops at problems or leaves the images out (data.on_error), then takes
    as many images as data.train and data.test ask for.

    Raises InputError naming the first problems, or a part that has too few images or no box.
    """
    found.digests, problems = check_images(found.root, found.parts, found.remarks.add)
    found.problems += problems
    if found.problems and settings.on_error == "stop":
        listed = "".join(f"\n  {name}: {wrong}" for name, wrong in found.problems[:SHOWN])
        more = len(found.problems) - SHOWN
        images = sum(map(len, found.parts.values()))
        raise InputError(
            f"{found.root}: {len(found.problems)} problems in {images} images:{listed}"
            + (f"\n  and {more} more" if more > 0 else "")
            + "\nfix them, or leave these images out with data.on_error: skip"
        )
    bad = {name for name, _ in found.problems}
    for name, part in found.parts.items():
        part = [image for image in part if image["file_name"] not in bad]
        wanted = getattr(settings, name)
        if len(part) < max(wanted, 1):
            raise InputError(
                f"{found.root} has {len(part)} usable images for {name}; data.{name} asks for "
                f"{wanted or 'all, at least 1'}"
            )
        if wanted:
            random = np.random.default_rng([settings.seed, CHOICE_STREAM, len(name)])
            part = [part[i] for i in np.sort(random.permutation(len(part))[:wanted])]
        found.parts[name] = part
    _check_classes(found)
    _compare_parts(found)
    for image in found.parts["test"]:
        if len(image["annotations"]) > DETECTIONS:
            text = f"images have more than {DETECTIONS} boxes: detectors find no more in an image"
            found.remarks.add("test", text, image["file_name"])
    for entry in found.dropped:
        text = DROPPED[entry.get("reason", "empty")]
        print(f"{entry['image']}: {text}: {entry['box']}", file=sys.stderr)
    for line in found.remarks.lines():
        print(line, file=sys.stderr)
    for name, wrong in found.problems:
        print(f"{name}: left out: {wrong}", file=sys.stderr)
    return found


def _check_classes(found: Annotated) -> None:
    """VOC's metric is a mean over classes, of which each must have something to be found; COCO's
    leaves out classes without any, which are named."""
    there = {name: found.images_of_classes(name) for name in found.parts}
    for name, count in there["test"].items():
        if found.layout == "voc" and not count:
            raise InputError(
                f"{found.root}: class {name!r} has no box in the test images that is not difficult:"
                " its average precision is undefined; add such images, ask for more with data.test,"
                " or leave the class out"
            )
    for part, counts in there.items():
        if not any(counts.values()):
            raise InputError(
                f"{found.root} has no box in {len(found.parts[part])} images for {part} (crowds "
                "and dropped boxes do not count): there is nothing to train on or to find"
            )
        if without := [name for name, count in counts.items() if not count]:
            text = f"classes have no box here: {', '.join(without)}"
            found.remarks.add(part, text, without[0], len(without))


def _compare_parts(found: Annotated) -> None:
    """Counts test images that are trained on as well; a file that is listed in both is one."""
    known = {
        name: [found.digests[image["file_name"]] for image in part]
        for name, part in found.parts.items()
    }
    found.test_images_also_in = test_images_also_in(known)
    if count := found.test_images_also_in["train"]:
        trained = set(known["train"])
        first = next(i for i, image in enumerate(known["test"]) if image in trained)
        text = "images are in train as well, with the same bytes"
        found.remarks.add("test", text, found.parts["test"][first]["file_name"], count)


def write_annotated(found: Annotated, settings: Data, staging: Path) -> dict[str, Any]:
    """Writes the lists to labels/ below `staging`, where generated scenes already lie; a root
    elsewhere is named, never copied. Beside each list are the SHA-256 of its images, and
    annotation-files.json has those of all annotation files that were read.

    Gives what the manifests of images/ and labels/ say.
    """
    labels = staging / "labels"
    labels.mkdir(parents=True, exist_ok=True)
    for name, part in found.parts.items():
        (labels / f"{name}.json").write_text(json.dumps(part, separators=(",", ":")) + "\n")
        digests = [found.digests[image["file_name"]] for image in part]
        save_digests(labels / f"sha256-{name}.npy", digests)
    write_json(labels / ANNOTATION_FILES, found.files)
    inside = found.root.is_relative_to(labels)
    counts = {name: len(part) for name, part in found.parts.items()}
    boxes = {
        name: [box for image in part for box in image["annotations"]]
        for name, part in found.parts.items()
    }
    manifest = {
        "kind": settings.kind,
        "layout": found.layout,
        "root": str(found.root.relative_to(labels)) if inside else str(found.root.resolve()),
        "classes": found.classes,
        "images": counts,
        "boxes": {name: len(some) for name, some in boxes.items()},
        "masks": {
            name: sum("segmentation" in box and not box["iscrowd"] for box in some)
            for name, some in boxes.items()
        },
        "labels": {name: found.images_of_classes(name) for name in found.parts},
        "dropped": found.dropped,
        "skipped": [{"image": name, "reason": wrong} for name, wrong in found.problems],
        "remarks": found.remarks.listed(),
        **found.notes,
    }
    images = {
        "kind": settings.kind,
        "format": "annotated",
        "counts": counts,
        "test_images_also_in": found.test_images_also_in,
    }
    return {"images": images, "labels": manifest}
