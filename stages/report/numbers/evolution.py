"""Genealogies of evolutions: what every place held in each epoch, what was tried and dropped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nassl.files import InputError, read_json
from stages.report.evidence.runs import Evidence


@dataclass(frozen=True)
class Mutation:
    """At a place (from 0): the operation that was there, and the one that was tried."""

    place: int
    former: str
    tried: str
    accepted: bool


@dataclass(frozen=True)
class Epoch:
    """`choice`: the operation of every place, with the mutations that were tried last."""

    number: int
    choice: tuple[str, ...]
    mutations: tuple[Mutation, ...]
    dropped: bool  # whether the places lost their worst operations

    @property
    def former(self) -> list[str]:
        """The structure that the epoch's mutations were tried on, with the accepted ones."""
        base = list(self.choice)
        for mutation in self.mutations:
            if not mutation.accepted:
                base[mutation.place] = mutation.former
        return base


@dataclass(frozen=True)
class Evolution:
    run: str
    epochs: tuple[Epoch, ...]

    @property
    def mutations(self) -> list[Mutation]:
        return [mutation for epoch in self.epochs for mutation in epoch.mutations]

    @property
    def accepted(self) -> int:
        return sum(mutation.accepted for mutation in self.mutations)

    @property
    def places(self) -> int:
        return len(self.epochs[0].choice)

    @property
    def changed(self) -> int:
        """Places that end with another operation than they had at first."""
        pairs = zip(self.epochs[0].choice, self.epochs[-1].choice, strict=True)
        return sum(one != two for one, two in pairs)


def evolutions(evidence: Evidence) -> list[Evolution]:
    """Those of the plan. Raises InputError naming a genealogy.json that lacks what evolution
    writes."""
    found = []
    for run in evidence.lines["search"]:
        file = evidence.folder("search", run) / "genealogy.json"
        if not file.exists():
            continue
        content = read_json(file)
        try:
            epochs = tuple(map(_epoch, content["epochs"]))
            places = len(epochs[0].choice)
            if any(len(epoch.choice) != places for epoch in epochs):
                raise ValueError(f"not all epochs have {places} places")
            if any(not 0 <= m.place < places for epoch in epochs for m in epoch.mutations):
                raise ValueError(f"a mutation is of no place from 0 to {places - 1}")
        except (KeyError, TypeError, IndexError, ValueError) as error:
            raise InputError(
                f"{file} is not a genealogy of an evolution ({error!r}); delete it and run its "
                f"stage: `dvc repro --force search@{run}`"
            ) from error
        found.append(Evolution(run, epochs))
    return found


def _epoch(entry: dict[str, Any]) -> Epoch:
    mutations = tuple(
        Mutation(mutation["place"], mutation["from"], mutation["to"], mutation["accepted"])
        for mutation in entry["mutations"]
    )
    return Epoch(entry["epoch"], tuple(entry["choice"]), mutations, bool(entry["dropped"]))
