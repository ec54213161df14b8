"""How many images a data set with boxes has in each part, from its lists alone."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from nassl.settings import Data
from stages.layouts.coco import annotation_files, coco_root


def annotated_images(data: Data) -> dict[str, int]:
    """Images by part; nothing for data that are not on this machine, or not in their layout, which
    `prepare` says."""
    if data.kind not in COUNTS or not data.root or not Path(data.root).is_dir():
        return {}
    try:
        return COUNTS[data.kind](Path(data.root))
    except (OSError, ValueError, KeyError, TypeError):
        return {}


@cache
def _voc(root: Path) -> dict[str, int]:
    devkit = root / "VOCdevkit" if (root / "VOCdevkit").is_dir() else root
    years = sorted(devkit.glob("VOC[0-9][0-9][0-9][0-9]/ImageSets/Main"))
    tested = any((year / "test.txt").exists() for year in years)
    names = {"train": "trainval", "test": "test"} if tested else {"train": "train", "test": "val"}
    return {
        part: sum(
            len(list(filter(str.strip, file.read_text("utf-8-sig").splitlines())))
            for year in years
            if (file := year / f"{name}.txt").exists()
        )
        for part, name in names.items()
    }


@cache
def _coco(root: Path) -> dict[str, int]:
    return {
        part: len(json.loads(file.read_text("utf-8-sig"))["images"])
        for part, (file,) in annotation_files(coco_root(root)).items()
    }


COUNTS = {"voc": _voc, "coco": _coco}
