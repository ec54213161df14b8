"""Where COCO's layout has its files."""

from __future__ import annotations

from pathlib import Path

NAMES = {"train": "train", "test": "val"}  # of the files, by part


def annotation_files(root: Path) -> dict[str, list[Path]]:
    """The annotation files of each part; one is expected."""
    return {
        part: sorted((root / "annotations").glob(f"instances_{name}*.json"))
        for part, name in NAMES.items()
    }


def coco_root(root: Path) -> Path:
    """The folder that has annotations/: `root`, or coco/ in it."""
    return root / "coco" if (root / "coco" / "annotations").is_dir() else root
