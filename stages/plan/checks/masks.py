"""Whether data on this machine have masks at all, seen without reading them as a whole."""

from __future__ import annotations

import mmap
import re
from functools import cache
from pathlib import Path

from nassl.settings import Data

# Run lengths, or a polygon of three points or more after any number of others.
POLYGON = rb"\[\s*(?:\[[^\[\]]*\]\s*,\s*)*\[(?:[^\[\],]+,){5}"
MASK = re.compile(rb'"segmentation"\s*:\s*(?:\{|' + POLYGON + rb")")


def files_without_masks(data: Data) -> list[Path]:
    """COCO's annotation files in which no annotation has a mask. What cannot be looked at (another
    machine's folder, another layout, another encoding than UTF-8) is left to `prepare`."""
    if data.kind != "coco" or not data.root:
        return []
    from stages.layouts.coco import annotation_files, coco_root

    found = annotation_files(coco_root(Path(data.root)))
    return [file for files in found.values() for file in files if not _may_have_masks(file)]


@cache
def _may_have_masks(file: Path) -> bool:
    """The first mask ends the search."""
    try:
        with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as m:
            return b"\0" in m[:4] or MASK.search(m) is not None
    except (OSError, ValueError):  # unreadable, or empty
        return True
