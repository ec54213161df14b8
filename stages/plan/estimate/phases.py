"""What a run does: how many images pass through its network, in which batches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from nassl.settings import ObjectiveSettings, Size, StrategySettings, Supervised, Views
from stages.plan.datasets import images_of
from stages.runs.lines import VIEW_PAIRS
from stages.runs.run import Run


@dataclass(frozen=True)
class Phase:
    """`passes`: images through the network, with backward counted as passes, `batch` images at a
    time; `steps` of the optimiser. `views` are drawn from `viewed` images, `views_batch` at a
    time; `read` images, each once for all of its views."""

    passes: float
    batch: int
    steps: float
    views: Views
    viewed: float
    views_batch: int
    read: float


def phases(run: Run, size: Size) -> list[Phase]:
    """The phases of a run of any stage; none if it trains and evaluates nothing."""
    return PHASES[run.stage](run, size) if run.stage in PHASES else []


def _phase(
    objective: ObjectiveSettings,
    batch: int,
    trained: float,
    evaluated: float,
    strategy: StrategySettings | None = None,
) -> Phase:
    """`trained` images over all epochs, `evaluated` ones once or more."""
    cost, views = (strategy.step_cost(), strategy.step_views()) if strategy else (1, 1)
    passes = objective.passes * cost * trained + objective.passes_to_evaluate * evaluated
    passes += objective.recomputed() * trained
    read = views * trained + evaluated
    viewed = objective.views_per_image * read
    views_batch = objective.views_per_image * batch
    at_once = max(objective.at_once(batch), 1)
    return Phase(passes, at_once, trained / batch, objective.views, viewed, views_batch, read)


def _search(run: Run, size: Size) -> list[Phase]:
    strategy, objective = run.settings["strategy"], run.settings["objective"]
    if not objective.trains:
        return []
    recipe = run.settings["recipe"]
    images = recipe.epochs * images_of(run, size)
    trained, held_out = strategy.trained_share() * images, strategy.held_out() * images
    return [_phase(objective, recipe.batch_size, trained, held_out, strategy)]


def _score(run: Run, size: Size) -> list[Phase]:
    recipe, images = run.settings["recipe"], images_of(run, size)
    trained = recipe.epochs * (1 - recipe.validation_fraction) * images
    draws = 1 if run.settings["objective"].needs_labels else VIEW_PAIRS
    judged = 3 if run.line.beside else 1  # also after parts of the epochs
    held_out = judged * draws * recipe.validation_fraction * images
    return [_phase(run.settings["objective"], recipe.batch_size, trained, held_out)]


def _retrain(run: Run, size: Size) -> list[Phase]:
    recipe = run.settings["recipe"]
    trained = recipe.epochs * size.train
    return [_phase(run.settings["objective"], recipe.batch_size, trained, size.test + size.train)]


def _pretrain(run: Run, size: Size) -> list[Phase]:
    recipe = run.settings["recipe"]
    trained = recipe.epochs * size.label_free
    return [_phase(run.settings["objective"], recipe.batch_size, trained, 0)]


def _probe(run: Run, size: Size) -> list[Phase]:
    linear, finetune, found = run.settings["linear"], run.settings["finetune"], []
    if linear.kind == "linear":
        fixed = linear.views.crop == "none" and not linear.views.flip
        epochs = 1 if fixed else linear.recipe.epochs
        images = 2 * (epochs * size.train + size.test)  # pretrained and random weights
        batch = linear.recipe.batch_size
        found.append(Phase(images, batch, 0, linear.views, images, batch, images))
    if finetune.kind == "finetune":
        batch = finetune.recipe.batch_size
        trained = finetune.recipe.epochs * finetune.label_fraction * size.train
        passes = Supervised.passes * trained + size.test
        read = trained + size.test
        found.append(Phase(passes, batch, trained / batch, finetune.views, read, batch, read))
    return found


PHASES: dict[str, Callable[[Run, Size], list[Phase]]] = {
    "search": _search,
    "score": _score,
    "retrain": _retrain,
    "pretrain": _pretrain,
    "probe": _probe,
}
