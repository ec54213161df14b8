"""What a run does: how many images pass through its network, in which batches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from nassl.settings import Views
from stages.plan.datasets import Size
from stages.runs.lines import VIEW_PAIRS
from stages.runs.run import Run

# Forward passes of the network per image of a training step; backward costs about two. SimCLR has
# two views, MoCo's second view goes through the teacher alone.
TRAIN = {"supervised": 3, "simclr": 6, "moco": 4, "lightly": 6}
EVALUATE = {"supervised": 1, "simclr": 2, "moco": 2, "lightly": 2}
VIEWS = {"supervised": 1, "simclr": 2, "moco": 2, "lightly": 2}
# A pair of steps (one of alpha, one of the weights), in units of a weight step. DARTS, first order:
# alpha 2 passes of 3 (its gradient needs no gradient of the weights). Second: the virtual step 3,
# the unrolled gradient 3, two passes for the Hessian product 4. ProxylessNAS: two paths.
STEP_PAIR = {"darts-1": 5 / 3, "darts-2": 13 / 3, "proxyless": 3, "evolution": 1}
VIEWS_IN_PAIR = {"darts-1": 2, "darts-2": 2, "proxyless": 2, "evolution": 1}


@dataclass(frozen=True)
class Phase:
    """`passes`: images through the network, with backward counted as passes, `batch` images at a
    time; `steps` of the optimiser. `views` are drawn from `viewed` images, `views_batch` at a
    time."""

    passes: float
    batch: int
    steps: float
    views: Views
    viewed: float
    views_batch: int


def phases(run: Run, size: Size) -> list[Phase]:
    """The phases of a run of any stage; none if it trains and evaluates nothing."""
    return PHASES[run.stage](run, size) if run.stage in PHASES else []


def _images(run: Run, size: Size) -> int:
    return size.train if run.settings["objective"].kind == "supervised" else size.label_free


def _phase(objective: Any, batch: int, trained: float, evaluated: float, pair: str = "") -> Phase:
    """`trained` images over all epochs, `evaluated` ones once or more."""
    kind = objective.kind
    passes = TRAIN[kind] * STEP_PAIR.get(pair, 1) * trained + EVALUATE[kind] * evaluated
    both = kind in ("simclr", "lightly")  # views in one batch
    at_once = batch * 2 if both else batch // getattr(objective, "groups", 1)
    viewed = VIEWS[kind] * (VIEWS_IN_PAIR.get(pair, 1) * trained + evaluated)
    views_batch = VIEWS[kind] * batch
    return Phase(passes, max(at_once, 1), trained / batch, objective.views, viewed, views_batch)


def _search(run: Run, size: Size) -> list[Phase]:
    strategy, objective = run.settings["strategy"], run.settings["objective"]
    if objective.kind == "none":
        return []
    pair = f"darts-{strategy.order}" if strategy.kind == "darts" else strategy.kind
    share = 1 - strategy.validation_fraction if getattr(strategy, "separate_sets", True) else 1
    recipe = run.settings["recipe"]
    images = recipe.epochs * _images(run, size)
    held_out = strategy.validation_fraction * images
    return [_phase(objective, recipe.batch_size, share * images, held_out, pair)]


def _score(run: Run, size: Size) -> list[Phase]:
    recipe, images = run.settings["recipe"], _images(run, size)
    trained = recipe.epochs * (1 - recipe.validation_fraction) * images
    draws = VIEW_PAIRS if run.settings["objective"].kind != "supervised" else 1
    held_out = draws * recipe.validation_fraction * images
    return [_phase(run.settings["objective"], recipe.batch_size, trained, held_out)]


def _retrain(run: Run, size: Size) -> list[Phase]:
    recipe = run.settings["recipe"]
    trained = recipe.epochs * size.train
    return [_phase(run.settings["objective"], recipe.batch_size, trained, size.test)]


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
        found.append(Phase(images, batch, 0, linear.views, images, batch))
    if finetune.kind == "finetune":
        batch = finetune.recipe.batch_size
        trained = finetune.recipe.epochs * finetune.label_fraction * size.train
        passes = TRAIN["supervised"] * trained + size.test
        found.append(
            Phase(passes, batch, trained / batch, finetune.views, trained + size.test, batch)
        )
    return found


PHASES: dict[str, Callable[[Run, Size], list[Phase]]] = {
    "search": _search,
    "score": _score,
    "retrain": _retrain,
    "pretrain": _pretrain,
    "probe": _probe,
}
