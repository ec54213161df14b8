"""FaUNAE: unsupervised evolution of an existing architecture (sec. III.B-D, Alg. 1).

The rules are in `evolution_rules.py`; here sub-networks are trained and validated.
"""

from __future__ import annotations

import math
import random
from argparse import Namespace
from pathlib import Path
from typing import Any

from nassl.data.batches import Batches
from nassl.files import write_json
from nassl.genotypes import Genotype
from nassl.genotypes.dense import top_edges
from nassl.objectives.objective import Objective
from nassl.settings import Evolution, SettingsError
from nassl.settings.strategies.evolution import total_epochs
from nassl.supernets.sampled import SampledSupernet
from nassl.training.checkpoint import Checkpoints
from nassl.training.device import device_name
from nassl.training.discrete import initial_objective
from nassl.training.loop import Companion, train
from nassl.training.optimisers import build_optimizer
from nassl.training.seeds import seed_step
from stages.runs.run import Run
from stages.search.data import open_search_data
from stages.search.evolution_rules import Population, annealed
from stages.search.found import Found
from stages.search.initial import initial_structure
from stages.search.validation import validation_loss
from stages.training.curves import WrittenCurves
from stages.training.device import prepare_device


def search_evolution(run: Run, inputs: Namespace, out: Path, checkpoints: Checkpoints) -> Found:
    """Evolves the initial structure until one operation is left at every place. Writes
    genealogy.json besides what every search writes."""
    strategy, space, seed = run.settings["strategy"], run.settings["space"], run.line.seed
    initial = initial_structure(run, inputs)
    device = prepare_device(run)
    data = open_search_data(run, inputs, device, strategy.validation_fraction)
    seed_step(seed, 0, 0, "network")
    network = space.load()(space).to(device)
    network.choice = initial.choice
    objective = initial_objective(
        run.settings["objective"], network, data.images, len(data.training.indices), seed,
        data.classes, space.stem,
    )  # fmt: skip
    evolution = Generations(strategy, network, objective, data.held_out, seed)
    operations = evolution.population.left
    strategy.check(f"search/{run.name}", run.settings["recipe"], operations)
    if space.kind == "dense" and space.edges not in ("all", "top2"):
        raise SettingsError(f"space.edges is {space.edges!r}; available: all, top2")
    parameters = [*network.parameters(), *objective.trained_parameters()]
    train(
        network,
        objective,
        build_optimizer(run.settings["recipe"], parameters),
        data.training,
        run.settings["recipe"],
        seed,
        checkpoints.part(),
        WrittenCurves(out / "curves"),
        evolution,
        label=f"search {run.name}",
    )
    genotype = evolution.genotype()
    if space.kind == "dense" and space.edges == "top2":
        genotype = top_edges(genotype, evolution.losses())
    genealogy = {"initial": initial.to_json(), "epochs": evolution.history}
    write_json(out / "genealogy.json", genealogy | {"final": genotype.to_json()})
    losses = [entry["validation_loss"] for entry in evolution.history]
    metrics = {
        "final_validation_loss": losses[-1],
        "validation_images": len(data.held_out.indices),
        "epochs": len(losses),
        "mutations": sum(len(entry["mutations"]) for entry in evolution.history),
        "accepted_mutations": sum(accepted(entry) for entry in evolution.history),
        # eq. 9 prefers what was never sampled: with few epochs such an operation may remain
        "untried_operations": sum(math.isinf(loss) for loss in evolution.losses()),
        "supernet_parameters": sum(p.numel() for p in network.parameters()),
    }
    return Found(genotype, metrics, device=device_name(device))


def accepted(entry: dict[str, Any]) -> int:
    return sum(mutation["accepted"] for mutation in entry["mutations"])


class Generations(Companion):
    """One generation an epoch: mutate, train the sub-network, validate it, accept, eliminate.

    `history` is the genealogy. In the first `initial_epochs` the initial structure is trained, so
    that its operations have a loss to be compared with (sec. III.B, "for k steps").
    """

    def __init__(
        self,
        settings: Evolution,
        network: SampledSupernet,
        objective: Objective,
        held_out: Batches,
        seed: int,
    ) -> None:
        self.settings, self.network, self.objective = settings, network, objective
        self.held_out, self.seed = held_out, seed
        self.population = Population(
            network.sizes(),
            network.choice,
            settings.elimination_epochs,
            settings.mutation_weight,
            settings.loss_decay,
            settings.depth_mutation,
        )
        self.mutating = total_epochs(self.population.left, settings.elimination_epochs)
        self.epochs = settings.initial_epochs + self.mutating
        self.history: list[dict[str, Any]] = []

    def before_epoch(self, epoch: int) -> None:
        if epoch >= self.settings.initial_epochs:
            # a stream of its own, so that mutations do not depend on what torch draws
            draw = random.Random(f"{self.seed} {epoch}")
            self.population.mutate(draw, self._epsilon(epoch))
        self.network.choice = self.population.sampled

    def after_epoch(self, epoch: int) -> dict[str, float]:
        loss = validation_loss(self.network, self.objective, self.held_out, self.seed)
        mutations = self.population.observe(loss)
        mutated = epoch >= self.settings.initial_epochs
        dropped = self.population.end_epoch() if mutated else []
        self.history.append(
            {
                "epoch": epoch + 1,
                "epsilon": self._epsilon(epoch) if mutated else 0.0,
                "validation_loss": loss,
                "choice": list(self.network.choice),
                "mutations": mutations,
                "dropped": dropped,
            }
        )
        size = sum(p.numel() for p in self.network.active_parameters())
        return {
            "validation_loss": loss,
            "mutations": len(mutations),
            "accepted_mutations": accepted(self.history[-1]),
            "operations_left": self.population.left,
            "sub_network_parameters": size,
        }

    def genotype(self) -> Genotype:
        """What the evolution has come to."""
        self.network.choice = self.population.base
        return self.network.genotype()

    def losses(self) -> list[float]:
        """l of the present operation of every place; inf for one that was never sampled."""
        found = [
            place.losses[place.operations.index(place.current)] for place in self.population.places
        ]
        return [math.inf if loss is None else loss for loss in found]

    def state_dict(self) -> dict[str, Any]:
        return {"population": self.population.state_dict(), "history": self.history}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.population.load_state_dict(state["population"])
        self.history = list(state["history"])
        self.network.choice = self.population.sampled

    def _epsilon(self, epoch: int) -> float:
        settings = self.settings
        generation = epoch - settings.initial_epochs
        return annealed(settings.epsilon, settings.final_epsilon, generation, self.mutating)
