"""A few of the prepared images, as the networks are given them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nassl.files import InputError, read_json
from nassl.image_files.sources import load_digests, unchanged
from stages.report.evidence.runs import Evidence

MOST = 24  # examples of a data set
PARTS = ("train", "unlabeled")  # of which the first that is there is shown


@dataclass(frozen=True)
class Example:
    """uint8 (side, side, 3), and the name of its class; empty without classes."""

    pixels: np.ndarray
    label: str


def examples(evidence: Evidence, name: str) -> list[Example]:
    """The same number of every class, at most `MOST` together. `prepare` orders images by the hash
    of their bytes, so that the first ones are a random choice.

    Of a large folder, which is not copied, those files are left out that are not there any more or
    have changed. Raises InputError if what was copied cannot be read.
    """
    folder = evidence.folder("prepare", name)
    file = folder / "images" / "manifest.json"
    if not file.exists():
        return []
    manifest = read_json(file)
    part = next((part for part in PARTS if manifest.get("counts", {}).get(part)), None)
    if part is None or "format" not in manifest:
        return []
    chosen = _chosen(folder / "labels", part, manifest["counts"][part])
    if manifest["format"] == "packed":
        pixels = _array(folder / "images" / f"{part}.npy")
        return [Example(np.array(pixels[place]), label) for place, label in chosen]
    return _decoded(folder / "images", part, manifest, chosen)


def _chosen(labels: Path, part: str, count: int) -> list[tuple[int, str]]:
    """(place in the part, name of the class), class by class."""
    file = labels / f"{part}.npy"
    if not file.exists():
        return [(place, "") for place in range(min(count, MOST))]
    classes = read_json(labels / "manifest.json")["classes"]
    numbers = _array(file)
    each = max(1, MOST // len(classes))
    return [
        (int(place), name)
        for number, name in enumerate(classes[:MOST])
        for place in np.flatnonzero(numbers == number)[:each]
    ]


def _decoded(
    images: Path, part: str, manifest: dict, chosen: list[tuple[int, str]]
) -> list[Example]:
    from nassl.image_files.decode import UnreadableImage, square

    paths = (images / f"{part}.txt").read_bytes().decode("utf-8", "surrogateescape").split("\n")
    digests = load_digests(images / f"sha256-{part}.npy", manifest["counts"][part])
    found = []
    for place, label in chosen:
        path = Path(manifest["root"]) / paths[place]
        try:
            content = unchanged(path, bytes(digests[place]), manifest.get("maker", "prepare@<run>"))
            found.append(Example(square(content, manifest["image_size"]), label))
        except (InputError, UnreadableImage):
            continue  # the stages that train refuse it; here it is only not shown
    return found


def _array(file: Path) -> np.ndarray:
    try:
        return np.load(file, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise InputError(f"{file} cannot be read ({error}); run prepare again") from error
