"""What cannot work in a transfer, refused before any job starts."""

from __future__ import annotations

from collections.abc import Callable

from nassl.settings import DATASETS, Detection, SettingsError
from nassl.settings.detection import UNFITTED
from stages.plan.checks.masks import files_without_masks
from stages.runs.run import Run

FEWEST_CELLS = 2
DETECTORS = ("faster-rcnn-c4", "mask-rcnn-c4")


def check_data(place: str, run: Run, runs: dict[str, Run]) -> None:
    """Raises SettingsError if a stage would treat images with boxes as images of one class each,
    or would need a GPU to decode and gets none."""
    if run.stage in ("prepare", "select", "transfer"):
        return
    data = runs[f"prepare/{run.line.data}"].settings["data"]
    if data.boxes:
        raise SettingsError(
            f"{place}.data is {run.line.data!r} of kind {data.kind!r}, which has boxes: only "
            "transfer reads it; take data in which every image has one class or none"
        )
    if getattr(data, "decoder", "pillow") == "nvjpeg" and not run.resources.gpus:
        raise SettingsError(
            f"data.{run.line.data}.decoder is 'nvjpeg', which needs a GPU, and "
            f"resources.{run.stage}.gpus is 0 ({place}); take it out, "
            f"or give {run.stage} a GPU"
        )


def check_transfer(
    place: str, run: Run, runs: dict[str, Run], search_of: Callable[[Run, dict[str, Run]], str]
) -> None:
    """Raises SettingsError naming the key, what was given and what is allowed."""
    line, settings = run.line, run.settings["detection"]
    source = runs[line.weights]
    for key, wanted in (("network", source.line.network), ("pretrained_on", source.line.data)):
        if getattr(line, key) != wanted:
            raise SettingsError(
                f"{place}.{key} is {getattr(line, key)!r}; {line.weights} was trained with "
                f"{wanted!r}"
            )
    space, size = runs[search_of(source, runs)].settings["space"], run.settings["network"]
    if space.of_cells and size.cells < FEWEST_CELLS:
        raise SettingsError(
            f"{place}: network.cells is {size.cells}; a C4 detector needs {FEWEST_CELLS}: the last "
            "third of them is its ROI head"
        )
    data = runs[f"prepare/{line.data}"].settings["data"]
    if not data.boxes:
        raise SettingsError(
            f"{place}.data is of kind {data.kind!r}, without boxes; allowed: {_kinds('boxes')}"
        )
    if settings.kind not in DETECTORS:
        raise SettingsError(
            f"{place}: detection.kind is {settings.kind!r}; allowed: {', '.join(DETECTORS)}"
        )
    if settings.kind == "mask-rcnn-c4" and not data.masks:
        raise SettingsError(
            f"{place}: detection.kind is 'mask-rcnn-c4', but data of kind {data.kind!r} has no "
            f"masks; allowed: faster-rcnn-c4, or data of the kinds {_kinds('masks')}"
        )
    if settings.kind == "mask-rcnn-c4" and (files := files_without_masks(data)):
        raise SettingsError(
            f"{place}: detection.kind is 'mask-rcnn-c4', but no annotation of {files[0]} has a "
            "mask (a segmentation of polygons of three points or more, or of run lengths); take "
            "faster-rcnn-c4, or data with masks"
        )
    _check_schedule(place, settings)


def _kinds(what: str) -> str:
    """The kinds of data that have boxes, or masks."""
    return ", ".join(name for name, kind in DATASETS.items() if getattr(kind, what))


def _check_schedule(place: str, settings: Detection) -> None:
    if not (settings.epochs or settings.is_fitted):
        raise SettingsError(f"{place}: {UNFITTED}")
    steps, last = settings.milestones, settings.iterations
    if steps and not last:
        raise SettingsError(
            f"{place}: detection.milestones is {steps}, and detection.iterations is 0, by epochs; "
            "give both or neither"
        )
    if steps != sorted(steps) or any(not 0 < step < last for step in steps):
        raise SettingsError(
            f"{place}: detection.milestones is {steps}; allowed: rising, between 0 and "
            f"detection.iterations, {last}"
        )
    if settings.images_per_batch % settings.reference_devices:
        raise SettingsError(
            f"{place}: detection.images_per_batch is {settings.images_per_batch}; it must be a "
            f"multiple of detection.reference_devices, {settings.reference_devices}"
        )
    images = settings.images_per_batch // settings.reference_devices * max(settings.devices, 1)
    if images < 2:
        raise SettingsError(
            f"{place}: detection.images_per_batch {settings.images_per_batch} on detection."
            f"reference_devices {settings.reference_devices} is one image a batch on "
            f"{max(settings.devices, 1)}; batch norm needs at least 2"
        )
    for key in ("proposals_train", "proposals_test"):
        if len(values := getattr(settings, key)) != 2 or not 0 < values[1] <= values[0]:
            raise SettingsError(
                f"{place}: detection.{key} is {values}; allowed: [before, after] non-maximum "
                "suppression, 0 < after <= before"
            )
