"""Chosen sizes as settings of a plan: what would be typed to have them."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from nassl.settings import Data, Recipe, Size
from stages.plan.checks.amounts import trained_share
from stages.plan.datasets import expected_size, images_of
from stages.plan.lineage import runs_of, typed_section
from stages.plan.sizes.choose import Rules, Sizes, fitting_batch

TRAINED = ("search", "score", "pretrain")  # stages that train networks on the images, label-free
SCALED = ("sgd", "lars")  # optimisers whose learning rate goes with the batch


@dataclass(frozen=True)
class Given:
    """The keys that the user has set."""

    keys: frozenset[str]

    def __contains__(self, key: str) -> bool:
        """Also as a part of what was set: recipe.search={epochs: 3}."""
        parts = key.split(".")
        return any(".".join(parts[: count + 1]) in self.keys for count in range(1, len(parts)))


def given(overrides: Iterable[str]) -> Given:
    """Keys with a dot: without one an override chooses files of a group."""
    keys = (override.partition("=")[0].lstrip("+~") for override in overrides)
    return Given(frozenset(key for key in keys if "." in key))


@dataclass(frozen=True)
class Base:
    """What sizes are set of in the plan `params`: `recipes` of the runs that train networks
    without labels, `protocols` that train on labels, by their names; `data` is the entry of own
    images, of `size`, the fewest of which make a part of `smallest` in some run."""

    params: dict[str, Any]
    recipes: dict[str, Recipe]
    protocols: dict[str, Any]
    name: str
    data: Data
    size: Size
    smallest: int

    @property
    def batch(self) -> int:
        return max(recipe.batch_size for recipe in self.recipes.values())


def base_of(params: dict[str, Any]) -> Base | None:
    """None for a plan that trains no network on own images. Raises SettingsError for settings of
    the wrong type."""
    stage, _, first = params["report"]["own"][0]["runs"][0].partition("/")
    name = params[stage][first]["data"]
    data = typed_section(params, "data", name)
    size = expected_size(data)
    training = [run for run in runs_of(params, *TRAINED) if run.settings["objective"].trains]
    if size is None or not training:
        return None
    shares = [(run, trained_share(run)) for run in training]
    shares += [(run, 1 - share) for run, share in shares if run.stage == "score"]
    tested = [
        (getattr(run.line, part), run.settings[part])
        for run in runs_of(params, "probe")
        for part in ("linear", "finetune")
    ]
    return Base(
        params,
        {run.line.recipe: run.settings["recipe"] for run in training},
        {protocol: settings for protocol, settings in tested if settings.kind != "none"},
        name,
        data,
        size,
        min(int(share * images_of(run, size)) for run, share in shares),
    )


def changes(base: Base, sizes: Sizes, rules: Rules, set_by_user: Given) -> dict[str, Any]:
    """`recipe.search.epochs` -> 20: what differs from the plan, but for what the user has set."""
    wanted = all_of(base, sizes, rules)
    return {
        key: value
        for key, value in wanted.items()
        if key not in set_by_user and value != at(base.params, key)
    }


def all_of(base: Base, sizes: Sizes, rules: Rules) -> dict[str, Any]:
    """Every setting that the sizes stand for."""
    found: dict[str, Any] = {f"data.{base.name}.image_size": sizes.side}
    pool = base.size.unlabeled
    if sizes.images:
        found[f"data.{base.name}.{'unlabeled' if pool else 'train'}"] = sizes.images
    for section in ("space", "network"):
        entries = base.params[section].items()
        stems = (entry for entry, values in entries if "stem" in values)
        found |= {f"{section}.{entry}.stem": sizes.stem for entry in stems}
    for name, recipe in base.recipes.items():
        found[f"recipe.{name}.epochs"] = max(1, round(sizes.epochs * recipe.epochs))
        found |= _batch(f"recipe.{name}", recipe, min(sizes.batch, recipe.batch_size))
    labelled = base.size.train if pool else min(base.size.train, sizes.images or base.size.train)
    for name, protocol in base.protocols.items():
        images = round(getattr(protocol, "label_fraction", 1.0) * labelled)
        batch = fitting_batch(rules, protocol.recipe.batch_size, images)
        found |= _batch(f"protocol.{name}.recipe", protocol.recipe, batch)
    return found


def _batch(entry: str, recipe: Recipe, batch: int) -> dict[str, Any]:
    """The batch, and the learning rate in proportion."""
    found: dict[str, Any] = {f"{entry}.batch_size": batch}
    if recipe.optimizer in SCALED and batch != recipe.batch_size:
        rate = recipe.learning_rate * batch / recipe.batch_size
        found[f"{entry}.learning_rate"] = float(f"{rate:.6g}")
    return found


def applied(params: dict[str, Any], changed: dict[str, Any]) -> dict[str, Any]:
    """The plan with the changes, as composing it again would give it."""
    plan = copy.deepcopy(params)
    for key, value in changed.items():
        *above, last = key.split(".")
        place = plan
        for name in above:
            place = place[name]
        place[last] = value
    return plan


def as_overrides(changed: dict[str, Any]) -> list[str]:
    return [f"{key}={value}" for key, value in changed.items()]


def at(params: dict[str, Any], key: str) -> Any:
    """None for what is not there."""
    for name in key.split("."):
        params = params.get(name) if isinstance(params, dict) else None
    return params
