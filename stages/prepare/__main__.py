"""Prepares data: images, labels and no labels, in three separate folders.

Paper: SSNAS sec. 4.1 (CIFAR-10, CIFAR-100, STL-10, ImageNet).

Reads    params.yaml: the run's section under `data`; raw data under data.root
Writes   images/     train, test [, unlabeled] as uint8 arrays (N, H, W, 3), or as lists of paths
                     if they are large; order.npy; manifest.json: counts, mean, std, hashes
         labels/     train, test as int64 (N,); stratified.npy; manifest.json: classes, counts
         no-labels/  what a label-free run is given in place of labels/

Example  python -m stages.prepare digits --out results/prepare/digits
Time     2 s at toy scale

Kinds of data: digits (drawn from scikit-learn's), shapes (generated), cifar10, cifar100, stl10,
imagenet, folder (any folder or archive of images, with or without class folders). For detection:
voc, coco (any data set in these layouts), scenes-voc, scenes-coco (generated in these layouts);
labels/ then lists boxes and masks, train.json and test.json, and images/ is only a manifest.
"""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any

from nassl.settings import ANNOTATED, Data, SettingsError
from stages.runs.command import stage_command
from stages.runs.run import Run


def prepare(run: Run, inputs: Namespace, out: Path) -> None:
    """Raises InputError for raw data that cannot be used, SettingsError for an unknown kind."""
    from stages.prepare.write import put_in_place, write

    settings: Data = run.settings["data"]
    maker = f"prepare@{run.name}"
    if settings.kind in ANNOTATED:
        put_in_place(out, lambda staging: _write_annotated(settings, staging), maker)
    else:
        write(_read(settings), settings, out, maker)


def _write_annotated(settings: Data, staging: Path) -> dict[str, Any]:
    """Images with boxes and masks; generated scenes are written first, then read like any other."""
    from stages.prepare.annotated import settle, write_annotated
    from stages.prepare.coco import read_coco
    from stages.prepare.voc import read_voc

    root, layout = Path(settings.root), settings.kind.removeprefix("scenes-")
    if layout != settings.kind:
        from stages.prepare.scene_files import write_coco, write_voc
        from stages.prepare.scenes import scenes

        root = staging / "labels"
        drawn = scenes(settings, crowds=layout == "coco")
        (write_voc if layout == "voc" else write_coco)(drawn, root)
    found = (read_voc if layout == "voc" else read_coco)(root, settings)
    return write_annotated(settle(found, settings), settings, staging)


def _read(settings: Data):
    """Imports only the module of the requested kind."""
    if settings.kind == "digits":
        from stages.prepare.digits import digits

        return digits(settings)
    if settings.kind == "shapes":
        from stages.prepare.shapes import shapes

        return shapes(settings)
    if settings.kind in ("cifar10", "cifar100", "stl10"):
        from stages.prepare.published import published

        return published(settings)
    if settings.kind in ("folder", "imagenet"):
        from stages.prepare.folders import folder

        return folder(settings)
    raise SettingsError(
        f"data.kind is {settings.kind!r}; available: "
        "cifar10, cifar100, coco, digits, folder, imagenet, scenes-coco, scenes-voc, shapes, "
        "stl10, voc"
    )


if __name__ == "__main__":
    stage_command("prepare", __doc__, (), prepare, manifest=False)
