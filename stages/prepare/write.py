"""What prepare writes: images/, labels/ and no-labels/, each put in place as a whole.

Nothing under images/ depends on a label: neither the order of the images, nor the recorded order
that splits are cut from, nor the statistics.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from nassl.files import InputError, write_json
from nassl.image_files.sources import save_digests
from nassl.manifest import MANIFEST, file_hashes, sealed
from nassl.settings import Data
from stages.layouts.folders import remark_on_classes
from stages.prepare.parts import Part, Prepared
from stages.prepare.repeated import digests, test_images_also_in

PILLOW = "pillow"  # who decodes, if nothing else is said
CHUNK = 4096  # images whose statistics are summed at a time
SPLIT_STREAM = 1_000_003  # keeps the orders' random numbers apart from those of drawing


def write(prepared: Prepared, settings: Data, out: Path, maker: str = "prepare") -> None:
    """Images, labels and no labels of `prepared`; the manifests name `maker`, the stage's address
    in DVC."""

    also = test_images_also_in({name: digests(part) for name, part in prepared.parts.items()})

    def fill(staging: Path) -> dict[str, Any]:
        images = _write_images(prepared, settings, staging / "images")
        labels = _write_labels(prepared, settings, staging / "labels")
        images["test_images_also_in"] = also
        labels["remarks"] = prepared.remarks.listed()
        if prepared.source:
            labels["source"] = prepared.source
        return {"images": images, "labels": labels}

    put_in_place(out, fill, maker)
    for line in prepared.remarks.lines():
        print(line, file=sys.stderr)


def put_in_place(out: Path, fill: Callable[[Path], dict[str, Any]], maker: str = "prepare") -> None:
    """`fill` writes images/ and labels/ into a folder beside the final ones, which are then
    replaced: a failure leaves nothing half-written. It returns what their manifests, which are
    sealed like those of all stages, contain besides the hashes of the files."""
    staging = out / ".partial"
    shutil.rmtree(staging, ignore_errors=True)
    try:
        manifests = fill(staging) | {"no-labels": {"labels": None}}
        for folder, manifest in manifests.items():
            (staging / folder).mkdir(parents=True, exist_ok=True)
            described = {"maker": maker, "files": file_hashes(staging / folder)}
            write_json(staging / folder / MANIFEST, sealed(manifest | described))
        for folder in manifests:
            shutil.rmtree(out / folder, ignore_errors=True)
            os.replace(staging / folder, out / folder)
    except OSError as error:
        raise InputError(
            f"{out} cannot be written: {error.strerror or error}; nothing there is half-written. "
            "Make room, or give another folder, and run prepare again"
        ) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _write_images(prepared: Prepared, settings: Data, folder: Path) -> dict[str, Any]:
    """What the manifest contains besides the files."""
    folder.mkdir(parents=True)
    parts = prepared.parts
    indexed = prepared.root is not None
    for name, part in parts.items():
        if indexed:
            text = "".join(f"{path}\n" for path in part.paths)
            (folder / f"{name}.txt").write_bytes(text.encode("utf-8", "surrogateescape"))
            save_digests(folder / f"sha256-{name}.npy", part.digests)
        else:
            _save_pixels(folder / f"{name}.npy", part.pixels)
    label_free = "unlabeled" if "unlabeled" in parts else "train"
    for name in ("train", "unlabeled"):
        if name in parts:
            random = np.random.default_rng([settings.seed, SPLIT_STREAM, len(name)])
            file = "order.npy" if name == label_free else f"order-{name}.npy"
            np.save(folder / file, random.permutation(len(parts[name])))
    mean, std = _statistics(parts[label_free])
    manifest = {
        "kind": settings.kind,
        "format": "indexed" if indexed else "packed",
        "image_size": settings.image_size,
        "counts": {name: len(part) for name, part in parts.items()},
        "mean": mean,
        "std": std,
        # Without the folder, which may name a class; labels/manifest.json has the whole path.
        "skipped": [
            {"file": Path(entry["path"]).name, "sha256": entry["sha256"], "reason": entry["reason"]}
            for entry in prepared.skipped
        ],
        **prepared.notes,
    }
    decoder = getattr(settings, "decoder", PILLOW)
    if indexed:
        manifest["root"] = prepared.root
        manifest |= {"decoder": decoder} if decoder != PILLOW else {}
    elif decoder != PILLOW:
        raise InputError(
            f"decoder is {decoder!r}, but these images are so small that they are decoded here, "
            "once, and copied; take data.<name>.decoder out of the plan"
        )
    return manifest


def _save_pixels(file: Path, pixels: np.ndarray) -> None:
    """Like np.save, but in pieces: a transposed or mapped array is never copied as a whole."""
    header = {"descr": "|u1", "fortran_order": False, "shape": pixels.shape}
    with file.open("wb") as opened:
        np.lib.format.write_array_header_1_0(opened, header)
        for start in range(0, len(pixels), CHUNK):
            opened.write(np.ascontiguousarray(pixels[start : start + CHUNK]).data)


def _write_labels(prepared: Prepared, settings: Data, folder: Path) -> dict[str, Any]:
    folder.mkdir(parents=True)
    if prepared.classes is None:
        return {"labels": None, "skipped": prepared.skipped}
    counts = {}
    for name, part in prepared.parts.items():
        if part.labels is not None:
            labels = np.asarray(part.labels, np.int64)
            np.save(folder / f"{name}.npy", labels)
            each = np.bincount(labels, minlength=len(prepared.classes))
            counts[name] = dict(zip(prepared.classes, each.tolist(), strict=True))
    empty = [label for label, count in counts.get("train", {}).items() if not count]
    if empty:
        raise InputError(
            f"class {empty[0]!r} has no training image left ({len(prepared.skipped)} files were "
            "skipped); give it some, remove its folder, or raise data.train"
        )
    remark_on_classes(counts, prepared.classes, prepared.remarks)
    if "train" in counts:
        np.save(
            folder / "stratified.npy",
            stratified_order(prepared.parts["train"].labels, settings.seed),
        )
    return {"labels": counts, "classes": prepared.classes, "skipped": prepared.skipped}


def stratified_order(labels: np.ndarray, seed: int) -> np.ndarray:
    """A random order of which every prefix has the classes in about the proportion of the whole.

    The i-th of the n images of a class is placed at (i + 0.5) / n; ties between classes are random.
    """
    random = np.random.default_rng([seed, SPLIT_STREAM])
    shuffled = random.permutation(len(labels))
    place = np.empty(len(labels))
    for label in np.unique(labels):
        members = np.flatnonzero(labels[shuffled] == label)
        place[members] = (np.arange(len(members)) + 0.5) / len(members)
    return shuffled[np.argsort(place, kind="stable")].astype(np.int64)


def _statistics(part: Part) -> tuple[list[float], list[float]]:
    """Mean and standard deviation per channel over all pixels, pixels in [0, 1]."""
    if part.moments is not None:
        first, second = part.moments.mean(axis=0)
    else:
        sums = np.zeros((2, 3))
        for start in range(0, len(part), CHUNK):
            sums += moments(part.pixels[start : start + CHUNK]).sum(axis=0)
        first, second = sums / len(part)
    std = np.sqrt(np.maximum(second - first**2, 1e-12))
    return [round(value, 9) for value in first.tolist()], [round(v, 9) for v in std.tolist()]


def moments(pixels: np.ndarray) -> np.ndarray:
    """uint8 (N, H, W, 3) to (N, 2, 3): mean of x and of x squared per image, exact in integers."""
    flat = pixels.reshape(len(pixels), -1, 3)
    first = flat.sum(axis=1, dtype=np.int64) / flat.shape[1] / 255
    second = np.einsum("npc,npc->nc", *(2 * [flat.astype(np.int64)])) / flat.shape[1] / 255**2
    return np.stack([first, second], axis=1)
