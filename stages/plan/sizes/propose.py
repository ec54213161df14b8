"""What a plan for your own images is given beyond its scale: batches that fit few images, and with
`budget=2h` the sizes that fit the time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from nassl.settings import DATASETS, SettingsError
from nassl.settings.typed import typed
from stages.plan.compose.corrections import corrected
from stages.plan.look import seen_of
from stages.plan.sizes import words
from stages.plan.sizes.changes import (
    Base,
    Given,
    all_of,
    applied,
    as_overrides,
    at,
    base_of,
    changes,
    given,
)
from stages.plan.sizes.choose import Rules, Sizes, TooShort, choose, fitting_batch, sides, stem
from stages.plan.sizes.times import seconds_of

if TYPE_CHECKING:
    from stages.plan.estimate.machine import Machine

SCALE = "lab"  # whose recipes are made longer or shorter
ARCHIVE = "all images of an archive have to fit into 1 GiB of pixels; unpack it"
MEMORY = "the memory of this machine"


@dataclass(frozen=True)
class Proposal:
    """`overrides`: what to compose the plan again with; `lines`: what a person is told."""

    overrides: list[str]
    lines: list[str]


def proposed(
    params: dict[str, Any],
    config: dict[str, Any],
    overrides: Sequence[str],
    machines: Callable[[dict[str, Any]], Sequence[Machine]],
) -> Proposal:
    """For the plan `params`, expanded and not checked, of the composed `config`. `machines`, this
    one and another to compare with, are asked for only where there is a budget.

    Raises SettingsError for a budget that is none, for a plan that is not for own images alone, and
    for a time that is too short, naming the shortest one.
    """
    own = bool(params["report"].get("own")) and not params["report"]["tables"]
    budget = None if config["budget"] == "" else seconds_of(config["budget"])
    if budget is not None:
        _check_use(config, own, overrides)
    base = base_of(params) if own else None
    if base is None:
        return Proposal([], warnings(params, False))
    rules, user = Rules(**config["sizes"]), given(overrides)
    if budget is None:
        changed = _without_budget(base, rules, user)
        lines = words.batches(changed, base.smallest)
        lines += words.large_stem(changed, base.data.image_size)
    else:
        here, *others = machines(params)
        search = _Search(base, rules, user, here)
        changed, lines = search.within(budget, config["budget"], others)
    lines += warnings(applied(params, changed), budget is not None)
    return Proposal(as_overrides(changed), lines)


def warnings(params: dict[str, Any], has_budget: bool) -> list[str]:
    """Of images that are far larger than what is used of them."""
    found = []
    for name, entry in params["data"].items():
        data = typed(DATASETS, entry, f"data.{name}")
        if seen := seen_of(data):
            found += words.far_larger(name, seen.side, data.image_size, has_budget)
    return found


def _check_use(config: dict[str, Any], own: bool, overrides: Sequence[str]) -> None:
    budget, scale = config["budget"], config["scale"]
    if not own:
        rest = [o for o in overrides if o.partition("=")[0] not in ("paper", "data", "scale")]
        meant = ["paper=own", "data=folder", f"scale={SCALE}", *rest]
        raise SettingsError(
            f"budget is {budget!r}, and sizes are chosen for your own images alone; "
            + corrected(meant)
        )
    if scale != SCALE:
        rest = [o for o in overrides if o.partition("=")[0] != "scale"]
        raise SettingsError(
            f"budget is {budget!r} and scale {scale!r}; sizes are chosen for scale={SCALE}; "
            + corrected([*rest, f"scale={SCALE}"])
        )


def _without_budget(base: Base, rules: Rules, user: Given) -> dict[str, Any]:
    """Batches, and a stem for large images; everything else is as the scale has it."""
    side, batch = base.data.image_size, fitting_batch(rules, base.batch, base.smallest)
    found = changes(base, Sizes(side, stem(rules, side), batch), rules, user)
    if side < rules.imagenet_from:
        return {key: value for key, value in found.items() if not key.endswith(".stem")}
    return found


class _Search:
    """For sizes of a plan within a time `here`."""

    def __init__(self, base: Base, rules: Rules, user: Given, here: Machine) -> None:
        self.base, self.rules, self.user, self.here = base, rules, user, here
        self.seen = seen_of(base.data)
        self.left_out: dict[str, list[int]] = {}  # why -> sides

    def within(
        self, budget: float, typed_in: str, others: Iterable[Machine]
    ) -> tuple[dict[str, Any], list[str]]:
        """The changed settings and the lines about them."""
        images = self.base.size.label_free
        parts = (f"data.{self.base.name}.{part}" for part in ("train", "unlabeled"))
        subset = not any(part in self.user for part in parts)
        fewest = min(images, self.rules.least_images) if subset else images
        try:
            choice = choose(self.rules, self._rungs(), images, fewest, budget, self._seconds)
        except TooShort as short:
            epochs = self._epochs(self._plan(short.sizes))
            boxes = bool(self.base.params["transfer"])
            message = words.too_short(typed_in, short, epochs, self.here.name, boxes)
            raise SettingsError(message) from short
        plan, wanted = self._plan(choice.sizes), all_of(self.base, choice.sizes, self.rules)
        kept = {key: at(self.base.params, key) for key in wanted if key in self.user}
        hours = {machine.name: machine.hours(plan) for machine in (self.here, *others)}
        changed = self._changes(choice.sizes)
        alone = any(key.endswith(".image_size") for key in kept) and choice.sizes.stem == "imagenet"
        lines = [
            *(words.large_stem(changed, choice.sizes.side) if alone else ()),
            *words.chosen(choice, self.rules, self.seen, self._epochs(plan), images, kept),
            *words.left_out(choice.sizes.side, self.left_out),
            *words.detectors(len(plan["transfer"])),
        ]
        head = words.estimated(typed_in, hours)
        return changed, [head, *(f"  {line}" for line in lines)]

    def _changes(self, sizes: Sizes) -> dict[str, Any]:
        return changes(self.base, sizes, self.rules, self.user)

    def _plan(self, sizes: Sizes) -> dict[str, Any]:
        return applied(self.base.params, self._changes(sizes))

    def _seconds(self, sizes: Sizes) -> float:
        return 3600 * self.here.hours(self._plan(sizes))

    def _epochs(self, plan: dict[str, Any]) -> dict[str, int]:
        """Of the recipes that the user has not set."""
        names = (name for name in self.base.recipes if f"recipe.{name}.epochs" not in self.user)
        return {name: plan["recipe"][name]["epochs"] for name in names}

    def _rungs(self) -> Iterator[Sizes]:
        """Sides to choose among, the largest first, with stem and batch; notes those `left_out`."""
        if f"data.{self.base.name}.image_size" in self.user or not (self.seen and self.seen.side):
            allowed = [self.base.data.image_size]
        else:
            allowed = sides(self.rules, self.seen.side)
        batch = fitting_batch(self.rules, self.base.batch, self.base.smallest)
        found = False
        for side in sorted(allowed, reverse=True):
            if self._is_too_large_to_pack(side):
                self.left_out.setdefault(ARCHIVE, []).append(side)
                continue
            rung = self._with_room(Sizes(side, stem(self.rules, side), batch))
            if rung is None:
                self.left_out.setdefault(MEMORY, []).append(side)
            else:
                found = True
                yield rung
        if not found:
            side = min(allowed)
            yield Sizes(side, stem(self.rules, side), min(batch, self.rules.least_batch))

    def _is_too_large_to_pack(self, side: int) -> bool:
        total = self.base.size.train + self.base.size.test + self.base.size.unlabeled
        return bool(self.seen and self.seen.in_archive) and self.base.data.indexed(
            total * side**2 * 3
        )

    def _with_room(self, rung: Sizes) -> Sizes | None:
        """With the batch halved, if need be, until the memory is there; None if even the least one
        has no room."""
        over, batch = self.here.over(self._plan(rung)), rung.batch
        while over > 1:
            if batch <= self.rules.least_batch:
                return None
            over, batch = over / 2, batch // 2
        return replace(rung, batch=batch)
