"""Whether there are as many images as a run needs, as far as that is known before `prepare`."""

from __future__ import annotations

from nassl.settings import SettingsError
from stages.plan.datasets import Size, expected_size
from stages.runs.run import Run

SMALLEST_BATCH = 2  # batch norm needs the statistics of more than one image


def check_amounts(place: str, run: Run, runs: dict[str, Run]) -> None:
    """Raises SettingsError for a part that is smaller than the number of classes, a queue larger
    than the images that it remembers, groups of one image, and fine-tuning in batches of one."""
    if run.stage == "prepare":
        _check_parts(place, run)
        return
    objective = run.settings.get("objective")
    if objective is not None and objective.kind == "moco":
        _check_groups(place, run)
        size = expected_size(runs[f"prepare/{run.line.data}"].settings["data"])
        if size is not None:
            _check_queue(place, run, size)
    tuning = run.settings.get("finetune")
    if tuning is not None and tuning.kind == "finetune":
        batch = tuning.recipe.batch_size
        if batch < SMALLEST_BATCH:
            raise SettingsError(
                f"{place}: finetune.recipe.batch_size is {batch}; batch norm needs at least "
                f"{SMALLEST_BATCH}"
            )


def check_batch(place: str, run: Run, runs: dict[str, Run], share: float) -> None:
    """Raises SettingsError for batches of one, or larger than the `share` of the images."""
    batch = run.settings["recipe"].batch_size
    if batch < 2:
        raise SettingsError(f"{place}: recipe.batch_size is {batch}; batch norm needs at least 2")
    size = expected_size(runs[f"prepare/{run.line.data}"].settings["data"])
    if size is None:
        return
    supervised = run.settings["objective"].kind == "supervised"
    images = int(share * (size.train if supervised else size.label_free))
    if batch > images:
        raise SettingsError(
            f"{place}: recipe.batch_size is {batch}; its smallest part has {images} images"
        )


def _check_parts(place: str, run: Run) -> None:
    data = run.settings["data"]
    size = expected_size(data)
    for part in ("train", "test") if size is not None else ():
        if getattr(size, part) < size.classes:
            raise SettingsError(
                f"{place}: data.{part} is {getattr(size, part)}; {data.kind} has {size.classes} "
                "classes, and each needs an image in every part"
            )


def _check_groups(place: str, run: Run) -> None:
    groups, batch = run.settings["objective"].groups, run.settings["recipe"].batch_size
    if groups < 1 or batch < SMALLEST_BATCH * groups:
        raise SettingsError(
            f"{place}: objective.groups is {groups}, recipe.batch_size {batch}; every group needs "
            f"at least {SMALLEST_BATCH} images for its batch norm; at least one group"
        )


def _check_queue(place: str, run: Run, size: Size) -> None:
    images = round(trained_share(run) * size.label_free)
    queue = run.settings["objective"].queue
    if not 1 <= queue <= images:
        raise SettingsError(
            f"{place}: objective.queue is {queue}; the run trains on {images} images, and "
            f"the queue holds one key of each; allowed: 1 to {images}"
        )


def trained_share(run: Run) -> float:
    """The share of the label-free images that the weights of a run are trained on."""
    if run.stage == "search":
        strategy = run.settings["strategy"]
        separate = getattr(strategy, "separate_sets", True)
        return 1.0 - (getattr(strategy, "validation_fraction", 0.0) if separate else 0.0)
    return 1.0 - (run.settings["recipe"].validation_fraction if run.stage == "score" else 0.0)
