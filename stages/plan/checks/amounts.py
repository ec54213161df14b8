"""Whether there are as many images as a run needs, as far as that is known before `prepare`."""

from __future__ import annotations

from nassl.settings import SettingsError
from stages.plan.datasets import expected_size, images_of
from stages.runs.run import Run

SMALLEST_BATCH = 2  # batch norm needs the statistics of more than one image


def check_amounts(place: str, run: Run, runs: dict[str, Run]) -> None:
    """Raises SettingsError for a part that is smaller than the number of classes, for what the
    objective refuses (a queue larger than the images that it remembers), and for fine-tuning in
    batches of one."""
    if run.stage == "prepare":
        _check_parts(place, run)
        return
    objective = run.settings.get("objective")
    if objective is not None and objective.trains:
        size = expected_size(runs[f"prepare/{run.line.data}"].settings["data"])
        images = None if size is None else round(trained_share(run) * images_of(run, size))
        objective.check(place, run.settings["recipe"].batch_size, images)
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
    images = int(share * images_of(run, size))
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


def trained_share(run: Run) -> float:
    """The share of its images that the weights of a run are trained on."""
    if run.stage == "search":
        return run.settings["strategy"].trained_share()
    return 1.0 - (run.settings["recipe"].validation_fraction if run.stage == "score" else 0.0)
