"""How many images a prepared data set will have, known before it is prepared."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from nassl.files import InputError
from nassl.settings import Data, SettingsError, Size
from stages.layouts.remarks import Remarks
from stages.plan.annotated_images import annotated_images
from stages.runs.run import Run

if TYPE_CHECKING:
    from stages.layouts.folders import Layout


PARTS = ("train", "test", "unlabeled")
SHOWN = 20  # classes that are named


def expected_size(data: Data) -> Size | None:
    """None for images that only `prepare` can count: of a folder that is not on this machine, or of
    a kind that does not say.

    Raises SettingsError for a folder or an archive that holds no images, or in no known layout.
    """
    if not data.on_disk:
        return data.size()
    return data.kept_of(_size(data.root, _without(data))) if is_here(data) else None


def images_of(run: Run, size: Size) -> int:
    """The images that a run may use."""
    return size.train if run.settings["objective"].needs_labels else size.label_free


def is_here(data: Data) -> bool:
    return bool(data.root) and Path(data.root).exists()


def counted(root: str) -> Size | None:
    """None for what holds no image. Raises SettingsError for images in no known layout."""
    from stages.layouts.files import NoImages, image_files

    try:
        with image_files(Path(root)):
            pass
    except NoImages:
        return None
    except InputError as error:
        raise SettingsError(str(error)) from error
    return _size(root)


def _size(root: str, without: str = "") -> Size:
    """Image files by part, from their names alone; `prepare` may still find some unreadable."""
    layout = _layout(root, without)
    count = dict.fromkeys(PARTS, 0)
    for part, names in layout.counts().items():
        count[part] += sum(names.values())
    return Size(**count, classes=len(layout.classes or []))


def described(name: str, data: Data) -> list[str]:
    """Lines that say how an image folder was interpreted: its parts, its classes with their images,
    what is left out; of images with boxes, how many are listed. Nothing for other kinds, and for
    what is not on this machine."""
    from stages.layouts.folders import remark_on_classes

    if counts := annotated_images(data):
        listed = ", ".join(f"{count} {part}" for part, count in counts.items())
        return [f"data.{name}: {listed}; images with boxes, in the layout of {data.kind}"]
    if not (data.on_disk and is_here(data)):
        return []
    layout = _layout(data.root, _without(data))
    counts = layout.counts()
    parts = ", ".join(f"{sum(counts[part].values())} {part}" for part in PARTS if part in counts)
    labelled = [counts[part] for part in ("train", "test") if part in counts]
    each = [f"{c} ({sum(names[c] for names in labelled)})" for c in layout.classes or []]
    more = f" and {len(each) - SHOWN} more" if len(each) > SHOWN else ""
    classes = f"{len(each)} classes: {', '.join(each[:SHOWN])}{more}" if each else "no classes"
    remarks = Remarks(dict(layout.remarks.found))
    if layout.classes:
        remark_on_classes(counts, layout.classes, remarks)
    return [f"data.{name}: {parts}; {classes}", *(f"  {line}" for line in remarks.lines())]


def _without(data: Data) -> str:
    return getattr(data, "without", "")


@cache
def _layout(root: str, without: str = "") -> Layout:
    from stages.layouts.files import image_files
    from stages.layouts.folders import arrange
    from stages.layouts.without import leave_out

    try:
        with image_files(Path(root)) as files:
            layout = arrange(files.found, Path(root))
            leave_out(layout, files.paths, without)
            return layout
    except InputError as error:
        raise SettingsError(str(error)) from error
