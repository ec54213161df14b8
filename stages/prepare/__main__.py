"""Prepares data: images, labels and no labels, in three separate folders.

Paper: SSNAS sec. 4.1 (CIFAR-10, CIFAR-100, STL-10, ImageNet).

Reads    params.yaml: the run's section under `data`; raw data under data.root
Writes   images/     train, test [, unlabeled] as uint8 arrays (N, H, W, 3), or as lists of paths
                     if they are large; order.npy; manifest.json: counts, mean, std, hashes
         labels/     train, test as int64 (N,); stratified.npy; manifest.json: classes, counts
         no-labels/  what a label-free run is given in place of labels/

Example  python -m stages.prepare digits --out results/prepare/digits
Time     2 s at toy scale

Kinds of data are in `nassl/settings/datasets/`. Of a kind with boxes, which is for detection,
labels/ lists boxes and masks, train.json and test.json, and images/ is only a manifest.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nassl.settings import Data
from stages.runs.command import stage_command
from stages.runs.run import Run

if TYPE_CHECKING:
    from stages.prepare.annotated import Annotated


def prepare(run: Run, inputs: Namespace, out: Path) -> None:
    """Raises InputError for raw data that cannot be used, SettingsError for a kind without an
    implementation."""
    from stages.prepare.write import put_in_place, write

    settings: Data = run.settings["data"]
    maker, read = f"prepare@{run.name}", settings.load()
    if settings.boxes:
        put_in_place(out, lambda staging: _write_annotated(read, settings, staging), maker)
    else:
        write(read(settings), settings, out, maker)


def _write_annotated(
    read: Callable[[Data, Path], Annotated], settings: Data, staging: Path
) -> dict[str, Any]:
    """Images with boxes and masks; generated ones are written to labels/ first."""
    from stages.prepare.annotated import settle, write_annotated

    found = read(settings, staging / "labels")
    return write_annotated(settle(found, settings), settings, staging)


def main(argv: list[str] | None = None) -> None:
    stage_command("prepare", __doc__, (), prepare, argv, manifest=False)


if __name__ == "__main__":
    main()
