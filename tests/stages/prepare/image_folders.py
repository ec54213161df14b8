"""Small folders of images, and what `prepare` makes of them."""

from __future__ import annotations

import json
import tarfile
import zipfile

import numpy as np
from PIL import Image

from nassl.settings import DATASETS
from stages.prepare.folders import folder
from stages.prepare.write import write


def picture(seed, side=6):
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)


def make(root, paths):
    """One PNG per path; the image's number is its place in `paths`."""
    for seed, path in enumerate(paths):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture(seed)).save(root / path)
    return root


LABELLED = [
    f"{part}/{name}/{n}.png" for part in ("train", "test") for name in "ba" for n in range(3)
]


FLAT = [f"{n}.png" for n in range(10)]


def settings(root, **changes):
    kind = changes.get("kind", "folder")
    return DATASETS[kind](**{"kind": kind, "image_size": 6, "root": str(root), **changes})


def prepared(root, out, **changes):
    given = settings(root, **changes)
    write(folder(given), given, out)
    return out


def manifest(out, name="images"):
    return json.loads((out / name / "manifest.json").read_text())


def contents(out):
    return {path.name: path.read_bytes() for path in sorted((out / "images").iterdir())}


def packed(raw, path):
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            for file in sorted(raw.rglob("*.png")):
                archive.write(file, f"top/{file.relative_to(raw)}")
    else:
        with tarfile.open(path, "w:gz" if path.suffix == ".tgz" else "w") as archive:
            archive.add(raw, "./top")
    return path
