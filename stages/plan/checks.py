"""Combinations that cannot work, refused before any job starts.

Every error names the key, what was given and what is allowed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nassl.genotypes import block, dense
from nassl.settings import SettingsError
from nassl.settings.evolution import check_epochs
from stages.plan.amounts import check_amounts, check_batch
from stages.plan.datasets import expected_size
from stages.plan.detection import check_data, check_transfer
from stages.plan.names import check_names, check_references
from stages.plan.network_fit import check_map, check_network
from stages.plan.values import check_values
from stages.runs.lines import RUNS
from stages.runs.run import Run, resolve_run

SEARCHED_BY = {
    "darts": ("cell",),
    "evolution": ("block", "dense"),
    "proxyless": ("block",),
    "random": ("cell", "block", "dense"),
    "manual": ("resnet",),
}


def check_plan(params: dict[str, Any]) -> None:
    """Raises SettingsError for the first run that does not fit."""
    check_names(params)
    typed_sections: dict[str, Any] = {}
    runs = {
        f"{stage}/{name}": resolve_run(stage, name, params, "the plan", typed_sections)
        for stage in RUNS
        for name in params[stage]
    }
    for place, run in runs.items():
        check_references(place, run, runs)
    for place, run in runs.items():
        for settings_name, settings in run.settings.items():
            check_values(f"{place}: {settings_name}", settings)
        check_values(place, run.line)
        check_data(place, run, runs)
        CHECKS.get(run.stage, lambda *_: None)(place, run, runs)
        check_amounts(place, run, runs)


# ------------------------------------------------------------ per stage ----


def _check_search(place: str, run: Run, runs: dict[str, Run]) -> None:
    strategy, objective = run.settings["strategy"].kind, run.settings["objective"].kind
    trains = strategy not in ("random", "manual")
    if trains == (objective == "none"):
        needs = "an objective to train with" if trains else "objective none: it trains nothing"
        raise SettingsError(
            f"{place}.objective is {objective!r}; strategy {strategy!r} needs {needs}"
        )
    space = run.settings["space"]
    if space.kind not in SEARCHED_BY[strategy]:
        raise SettingsError(
            f"{place}.space is of kind {space.kind!r}; {strategy} searches: "
            f"{', '.join(SEARCHED_BY[strategy])}"
        )
    if strategy == "evolution":
        candidates = block.candidates(space.depths) if space.kind == "block" else dense.candidates()
        epochs, most = run.settings["recipe"].epochs, max(map(len, candidates))
        check_epochs(place, epochs, run.settings["strategy"], most)
    _check_precision(place, run)
    _check_labels(place, run)
    if trains:
        check_map(place, run, runs, space.kind, space)
        fraction = run.settings["strategy"].validation_fraction
        check_batch(place, run, runs, 1 - fraction if fraction else 1.0)


def _check_score(place: str, run: Run, runs: dict[str, Run]) -> None:
    _check_labels(place, run)
    criterion = runs[f"select/{run.line.select}"].line.criterion
    kind = run.settings["objective"].kind
    if (criterion == "accuracy") != (kind == "supervised"):
        raise SettingsError(
            f"select/{run.line.select}.criterion is {criterion!r}, the scores' objective {kind!r}; "
            "allowed: accuracy with supervised, contrastive_loss with simclr or moco"
        )
    fraction = run.settings["recipe"].validation_fraction
    if not 0 < fraction < 1:
        raise SettingsError(
            f"{place}: recipe.validation_fraction is {fraction}; a score needs images that were "
            "not trained on: between 0 and 1"
        )
    check_network(place, run, runs, f"search/{run.line.search}")
    check_batch(place, run, runs, min(fraction, 1 - fraction))


def _check_retrain(place: str, run: Run, runs: dict[str, Run]) -> None:
    if run.settings["objective"].kind != "supervised":
        raise SettingsError(f"{place}.objective is {run.line.objective!r}; retrain is supervised")
    check_network(place, run, runs, _search_of(run, runs))
    check_batch(place, run, runs, 1.0)


def _check_pretrain(place: str, run: Run, runs: dict[str, Run]) -> None:
    if run.settings["objective"].kind in ("supervised", "none"):
        raise SettingsError(
            f"{place}.objective is {run.line.objective!r}; pretrain is self-supervised: "
            "simclr, moco"
        )
    for source in [] if run.line.searched_with_labels else _ancestry(run, runs):
        if runs[source].line.labels == "labels":
            raise SettingsError(
                f"{place}.architecture is {run.line.architecture!r}, whose {source} reads labels; "
                "representations are called label-free only if search and selection are: take an "
                "architecture found by simclr, moco, random or manual, or declare it with "
                "searched_with_labels: true"
            )
    check_network(place, run, runs, _search_of(run, runs))
    check_batch(place, run, runs, 1.0)


def _check_probe(place: str, run: Run, runs: dict[str, Run]) -> None:
    protocols = {name: run.settings[name] for name in ("linear", "finetune")}
    for name, protocol in protocols.items():
        if protocol.kind not in (name, "none"):
            raise SettingsError(
                f"{place}.{name} is of kind {protocol.kind!r}; allowed: {name}, none"
            )
    if all(protocol.kind == "none" for protocol in protocols.values()):
        raise SettingsError(f"{place} evaluates nothing; give it linear or finetune")
    size = expected_size(runs[f"prepare/{run.line.data}"].settings["data"])
    if size is None:
        return
    batch = protocols["linear"].recipe.batch_size if protocols["linear"].kind == "linear" else 0
    if batch > size.train:
        raise SettingsError(
            f"{place}: linear.recipe.batch_size is {batch}; there are {size.train} labelled images"
        )
    if protocols["finetune"].kind == "none":
        return
    labels = round(protocols["finetune"].label_fraction * size.train)
    if labels < size.classes:
        raise SettingsError(
            f"{place}: finetune.label_fraction {protocols['finetune'].label_fraction} of "
            f"{size.train} training images gives {labels} labels; "
            f"{size.classes} classes need at least one each"
        )
    if protocols["finetune"].recipe.batch_size > labels:
        raise SettingsError(
            f"{place}: finetune.recipe.batch_size is {protocols['finetune'].recipe.batch_size}; "
            f"there are {labels} labels"
        )


CHECKS: dict[str, Callable[[str, Run, dict[str, Run]], None]] = {
    "search": _check_search,
    "score": _check_score,
    "retrain": _check_retrain,
    "pretrain": _check_pretrain,
    "probe": _check_probe,
    "transfer": lambda *place: check_transfer(*place, _search_of),
}


# --------------------------------------------------------------- shared ----


def _check_precision(place: str, run: Run) -> None:
    strategy, precision = run.settings["strategy"], run.settings["recipe"].precision
    if getattr(strategy, "order", 1) == 2 and precision != "float32":
        raise SettingsError(
            f"{place}: recipe.precision is {precision!r} with strategy.order 2, whose difference "
            "of two nearby gradients is lost in rounding; set it to float32, or the order to 1"
        )


def _check_labels(place: str, run: Run) -> None:
    needed = "labels" if run.settings["objective"].kind == "supervised" else "no-labels"
    if run.line.labels != needed:
        raise SettingsError(
            f"{place}.labels is {run.line.labels!r}; "
            f"objective {run.line.objective!r} needs {needed}"
        )


def _ancestry(run: Run, runs: dict[str, Run]) -> list[str]:
    """The scores and searches that an architecture comes from; its own search comes last."""
    stage, _, name = run.line.architecture.partition("/")
    if run.line.architecture not in runs:
        raise SettingsError(
            f"{run.stage}/{run.name}.architecture is {run.line.architecture!r}; "
            "allowed: select/<run> and search/<run> of the plan"
        )
    if stage == "search":
        start = runs[f"search/{name}"].line.initial
        earlier = [start] if start.startswith("search/") else []
        return [*earlier, f"search/{name}"]
    scores = [f"score/{candidate}" for candidate in runs[f"select/{name}"].line.candidates]
    return scores + [f"search/{runs[score].line.search}" for score in scores]


def _search_of(run: Run, runs: dict[str, Run]) -> str:
    return _ancestry(run, runs)[-1]
