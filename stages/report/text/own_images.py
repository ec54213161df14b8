"""Your own images: what there is of them, and what was left out and why.

Files are named by their place in the folder of the images, which itself is named without its place.
"""

from __future__ import annotations

from dataclasses import replace

from stages.report.evidence.data import LeftOut, Prepared, Source
from stages.report.text.data import remarks

NAMED = 10  # files that could not be read; of more, the number is said


def summary(prepared: Prepared, source: Source) -> str:
    """`3 classes; 240 images to train and 60 to test on, brought to 32 x 32 pixels.`"""
    counts = " and ".join(f"{count:,} {_part(part)}" for part, count in source.counts.items())
    classes = f"{len(prepared.classes)} class{'' if len(prepared.classes) == 1 else 'es'}"
    kinds = classes if prepared.classes else "No labels: the images are not in class folders"
    return f"{kinds}; images: {counts}, brought to {source.side} x {source.side} pixels."


def _part(part: str) -> str:
    return {"train": "to train on", "test": "to test on", "unlabeled": "without labels"}[part]


def left_out(prepared: Prepared, found: LeftOut, folder: str) -> list[str]:
    """`folder` is the name of the folder of the images."""
    changed = prepared.changed and replace(prepared.changed, root=f"{folder}/")
    said = remarks(replace(prepared, changed=changed))
    named = found.unreadable[:NAMED]
    said += [f"left out: {_text(path)} cannot be read: {reason}" for path, reason in named]
    if more := len(found.unreadable) - len(named):
        said.append(f"left out: {more:,} more files that cannot be read")
    if found.passed_over:
        said.append(
            f"passed over: {found.passed_over:,} files that are hidden, or in a part that is not "
            "used"
        )
    return said


def _text(path: str) -> str:
    """Names of files may be any bytes."""
    return path.encode("utf-8", "backslashreplace").decode()
