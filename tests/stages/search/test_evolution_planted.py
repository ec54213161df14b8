"""Evolution on a problem with a known answer, and the validation that it goes by."""

from __future__ import annotations

import torch
from torch import nn

from nassl.objectives.moco import MoCoObjective
from nassl.settings import Evolution, MoCo, Recipe, Views
from nassl.supernets.sampled import SampledSupernet
from nassl.training.optimisers import build_optimizer
from nassl.training.seeds import seed_step
from stages.search.evolution import Generations
from stages.search.validation import validation_loss


class Noise(nn.Module):
    """Harmful by construction: independent of the image, and different every time."""

    def forward(self, x):
        return torch.randn_like(x)


class Nothing(nn.Module):
    """Useless by construction: the same for every image."""

    def forward(self, x):
        return torch.ones_like(x)


class Planted(SampledSupernet):
    """Two blocks, one for each half of the image, that `good` alone lets through."""

    feature_dim = 32

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 1)
        self.blocks = nn.ModuleList(
            nn.ModuleDict(
                {
                    "good": nn.Sequential(nn.Conv2d(8, 8, 1), nn.BatchNorm2d(8), nn.ReLU()),
                    "useless": Nothing(),
                    "harmful": Noise(),
                }
            )
            for _ in range(2)
        )
        self.places = [{name: [m] for name, m in place.items()} for place in self.blocks]
        self.choice = ("useless", "useless")

    def forward(self, x):
        halves = self.stem(x).chunk(2, dim=3)
        seen = [
            place[name](half)
            for place, name, half in zip(self.blocks, self.choice, halves, strict=True)
        ]
        return nn.functional.adaptive_avg_pool2d(torch.cat(seen, dim=3), 2).flatten(1)


class Pictures:
    """Batches of 16 images in colours of their own, always in the same order."""

    def __init__(self, seed, batches):
        generator = torch.Generator().manual_seed(seed)
        colours = torch.randint(0, 256, (16 * batches, 3, 2, 2), generator=generator).float()
        self.images = nn.functional.interpolate(colours, size=4).to(torch.uint8)
        self.batches = batches

    def epoch(self, epoch, start_step=0):
        from nassl.data.batches import Batch

        for step in range(start_step, self.batches):
            yield step, Batch(self.images[16 * step : 16 * step + 16], None)


def planted_search(seed):
    """The operations that an evolution by the contrastive loss ends with."""
    seed_step(seed, 0, 0, "network")
    network = Planted()
    views = lambda x: x.float() / 128 - 1 + 0.1 * torch.randn(x.shape)  # noqa: E731
    settings = MoCo("moco", 0.07, 0.9, 32, "linear", 0, 16, 1, Views("none"))
    objective = MoCoObjective(settings, network, views)
    # lambda_1 and lambda_2 of the paper. Its E of 3 finds both in fewer seeds: with lambda_2 = 0.3
    # l(o) is mostly the last loss, in which the other block has its part.
    strategy = Evolution("evolution", 0.25, 6, 1, 0.9, 0.9, 0.9, 0.3, 0.0)
    generations = Generations(strategy, network, objective, Pictures(100 + seed, 1), seed)
    recipe = Recipe(generations.epochs, 16, "sgd", 0.05, "constant", 0.0, momentum=0.9)
    optimizer = build_optimizer(recipe, [*network.parameters(), *objective.projection.parameters()])
    training = Pictures(seed, 2)
    for epoch in range(recipe.epochs):
        generations.before_epoch(epoch)
        for step, batch in training.epoch(epoch):
            seed_step(seed, epoch, step)
            optimizer.zero_grad()
            loss = objective.loss(network, batch.images)
            loss.backward()
            optimizer.step()
            objective.after_step(network)
        generations.after_epoch(epoch)
    return generations.population.base


def test_evolution_finds_the_good_operation_that_random_sampling_does_not():
    import random

    found = [planted_search(seed) for seed in range(10)]
    assert sum(choice == ["good", "good"] for choice in found) >= 9, found
    names = ["good", "useless", "harmful"]
    drawn = [random.Random(seed).choices(names, k=2) for seed in range(10)]
    assert sum(choice == ["good", "good"] for choice in drawn) < 5


def test_validation_is_repeatable_and_leaves_no_trace():
    torch.manual_seed(0)
    network = Planted()
    network.choice = ("good", "good")
    settings = MoCo("moco", 0.07, 0.9, 32, "linear", 0, 16, 2, Views("none"))
    objective = MoCoObjective(settings, network, lambda x: x.float() + torch.randn(x.shape))
    before = {**network.state_dict(prefix="n."), **objective.state_dict(prefix="o.")}
    before = {name: value.clone() for name, value in before.items()}
    losses = {validation_loss(network, objective, Pictures(0, 2), seed=3) for _ in range(2)}
    assert len(losses) == 1
    after = {**network.state_dict(prefix="n."), **objective.state_dict(prefix="o.")}
    assert all(torch.equal(before[name], after[name]) for name in before)
