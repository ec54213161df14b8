"""Combinations that cannot work, refused before any job starts.

Every error names the key, what was given and what is allowed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nassl.settings import OBJECTIVES, STRATEGIES, Kind, SettingsError, training_kinds
from stages.plan.checks.amounts import check_amounts, check_batch
from stages.plan.checks.detection import check_data, check_transfer
from stages.plan.checks.names import check_names, check_references
from stages.plan.checks.network_fit import check_map, check_network
from stages.plan.checks.values import check_values
from stages.plan.datasets import expected_size
from stages.plan.lineage import ancestry, of_runs, search_of
from stages.runs.lines import RUNS
from stages.runs.run import Run, resolve_run


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
            if isinstance(settings, Kind):
                settings.check_complete(f"{place}: {settings_name}")
            check_values(f"{place}: {settings_name}", settings)
        check_values(place, run.line)
        check_data(place, run, runs)
        CHECKS.get(run.stage, lambda *_: None)(place, run, runs)
        check_amounts(place, run, runs)


# ------------------------------------------------------------ per stage ----


def _check_search(place: str, run: Run, runs: dict[str, Run]) -> None:
    strategy, objective = run.settings["strategy"], run.settings["objective"]
    if strategy.trains != objective.trains:
        needs = "an objective to train with" if strategy.trains else _none()
        raise SettingsError(
            f"{place}.objective is {objective.kind!r}; strategy {strategy.kind!r} needs {needs}"
        )
    space = run.settings["space"]
    if space.kind not in strategy.searches:
        raise SettingsError(
            f"{place}.space is of kind {space.kind!r}; {strategy.kind} searches: "
            f"{', '.join(strategy.searches)}"
        )
    if run.line.initial and not strategy.takes_initial:
        others = [name for name, kind in STRATEGIES.items() if kind.takes_initial]
        raise SettingsError(
            f"{place}.initial is {run.line.initial!r}, but strategy {strategy.kind!r} starts from "
            f"no other structure; available: {', '.join(others)}"
        )
    if strategy.trains:
        strategy.check(place, run.settings["recipe"], space.operations())
    _check_labels(place, run)
    if strategy.trains:
        check_map(place, run, runs, space, space)
        check_batch(place, run, runs, 1 - strategy.held_out())


def _check_score(place: str, run: Run, runs: dict[str, Run]) -> None:
    _check_labels(place, run)
    criterion = runs[f"select/{run.line.select}"].line.criterion
    objective = run.settings["objective"]
    if (criterion == "accuracy") != objective.needs_labels:
        raise SettingsError(
            f"select/{run.line.select}.criterion is {criterion!r}, the scores' objective "
            f"{objective.kind!r}; allowed: accuracy with "
            f"{' or '.join(training_kinds(needs_labels=True))}, contrastive_loss with "
            f"{' or '.join(training_kinds(needs_labels=False))}"
        )
    if run.line.beside and objective.needs_labels:
        raise SettingsError(
            f"{place}.beside is true; only a contrastive score has parts of its budget and scores "
            f"without training beside it, and the objective is {objective.kind!r}"
        )
    fraction = run.settings["recipe"].validation_fraction
    if not 0 < fraction < 1:
        raise SettingsError(
            f"{place}: recipe.validation_fraction is {fraction}; a score needs images that were "
            "not trained on: between 0 and 1"
        )
    check_network(place, run, runs, _search_of(run, runs))
    check_batch(place, run, runs, min(fraction, 1 - fraction))


def _check_retrain(place: str, run: Run, runs: dict[str, Run]) -> None:
    if not run.settings["objective"].needs_labels:
        raise SettingsError(f"{place}.objective is {run.line.objective!r}; retrain is supervised")
    check_network(place, run, runs, _search_of(run, runs))
    check_batch(place, run, runs, 1.0)


def _check_pretrain(place: str, run: Run, runs: dict[str, Run]) -> None:
    if run.settings["objective"].kind not in training_kinds(needs_labels=False):
        raise SettingsError(
            f"{place}.objective is {run.line.objective!r}; pretrain is self-supervised: "
            f"{', '.join(training_kinds(needs_labels=False))}"
        )
    sources = [] if run.line.searched_with_labels else ancestry(place, of_runs(runs))
    for source in sources:
        if getattr(runs[source].line, "labels", "no-labels") == "labels":
            raise SettingsError(
                f"{place}.architecture is {run.line.architecture!r}, whose {source} reads labels; "
                "representations are called label-free only if search and selection are: take an "
                "architecture found without labels, or declare it with searched_with_labels: true"
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


def _none() -> str:
    """What a strategy needs that trains nothing."""
    names = [name for name, kind in OBJECTIVES.items() if not kind.trains]
    return f"objective {' or '.join(names)}: it trains nothing"


def _check_labels(place: str, run: Run) -> None:
    needed = "labels" if run.settings["objective"].needs_labels else "no-labels"
    if run.line.labels != needed:
        raise SettingsError(
            f"{place}.labels is {run.line.labels!r}; "
            f"objective {run.line.objective!r} needs {needed}"
        )


def _search_of(run: Run, runs: dict[str, Run]) -> str:
    return search_of(f"{run.stage}/{run.name}", of_runs(runs))
