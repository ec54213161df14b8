"""The loop: resuming gives the same bits, signals are handled, divergence is explained."""

from __future__ import annotations

import argparse
import re
import signal
from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch import nn

from nassl.files import InputError
from nassl.networks.network import FeatureNetwork
from nassl.objectives.objective import Objective
from nassl.settings import Recipe
from nassl.training.checkpoint import Checkpoints
from nassl.training.interruption import EXIT_INTERRUPTED
from nassl.training.loop import Companion, evaluate, train
from nassl.training.non_finite import NonFiniteError
from nassl.training.optimisers import build_optimizer
from nassl.training.seeds import seed_step
from stages.training.curves import WrittenCurves

RECIPE = argparse.Namespace(
    epochs=3, batch_size=4, optimizer="sgd", learning_rate=0.1, schedule="cosine",
    weight_decay=1e-3, final_learning_rate=0.01, momentum=0.9, milestones=[], warmup_epochs=1,
    clip=5.0, drop_path=0.3, validation_fraction=0.0,
)  # fmt: skip


class Batch(NamedTuple):
    images: torch.Tensor
    labels: torch.Tensor | None


class Batches:
    """Twenty 4x4 images in memory; `stop_at` raises in the middle, like a killed process."""

    batch_size, waiting_share = 4, 0.0

    def __init__(self, stop_at=None, then=None):
        self.images = torch.randint(
            0, 256, (20, 3, 4, 4), generator=torch.Generator().manual_seed(0)
        )
        self.stop_at, self.then = stop_at, then

    def __len__(self):
        return 5

    def epoch(self, epoch, start_step=0):
        order = np.random.default_rng([1, epoch]).permutation(20)
        for step in range(start_step, 5):
            if (epoch, step) == self.stop_at:
                self.then()
            yield step, Batch(self.images[order[4 * step : 4 * step + 4]], None)


class Noisy(Objective):
    """A loss with views (noise), a head and batch norm; `scale` makes it diverge."""

    def __init__(self, scale=1.0):
        super().__init__()
        self.head = nn.Linear(5, 2)
        self.scale = scale
        self.register_buffer("steps", torch.zeros(1))

    def loss(self, network, images, labels):
        views = images.float() / 255 + 0.1 * torch.randn(images.shape)
        return self.head(network(views)).square().sum(1).mean() * self.scale

    def evaluate(self, network, images, labels):
        return {"loss": self.head(network(images.float() / 255)).square().sum(1).double()}

    def after_step(self, network):
        self.steps += 1


class Alphas(Companion):
    """Draws in every hook, and keeps a history: state that a checkpoint must hold."""

    def __init__(self):
        self.history = []
        self.offset = 0.0

    def before_epoch(self, epoch):
        self.offset += torch.rand(()).item()

    def before_step(self, epoch, step, batch):
        self.history.append(torch.rand(()).item() + self.offset + step)

    def after_epoch(self, epoch):
        return {"drawn": sum(self.history)}

    def state_dict(self):
        return {"history": self.history, "offset": self.offset}

    def load_state_dict(self, state):
        self.history, self.offset = list(state["history"]), state["offset"]


class Killed(Exception):
    pass


def kill():
    raise Killed


def run(folder, batches, scale=1.0, rate=0.1):
    torch.manual_seed(3)
    network = nn.Sequential(
        nn.Conv2d(3, 5, 3), nn.BatchNorm2d(5), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    )
    network.drop_path = 0.0
    objective, companion = Noisy(scale), Alphas()
    recipe = Recipe(**{**vars(RECIPE), "learning_rate": rate})
    optimizer = build_optimizer(recipe, [*network.parameters(), *objective.parameters()])
    with Checkpoints(folder / "checkpoints", "f") as checkpoints:
        checkpoints.interval = checkpoints.least = 0.0
        part = checkpoints.part()
        part.due = lambda epoch_ends: True
        curves = WrittenCurves(folder / "curves")
        train(network, objective, optimizer, batches, recipe, 7, part, curves, companion)
        values = evaluate(network, objective, batches, 7)["loss"]
    files = {
        p.relative_to(folder): p.read_bytes() for p in (folder / "curves").rglob("*") if p.is_file()
    }
    return (
        [*network.state_dict().values(), *objective.state_dict().values(), values],
        files,
        companion,
    )


@pytest.mark.parametrize("place", [(0, 3), (1, 0), (1, 2), (2, 4)])
def test_a_killed_run_resumes_to_the_same_bits(tmp_path, place):
    expected, files, companion = run(tmp_path / "whole", Batches())
    with pytest.raises(Killed):
        run(tmp_path / "killed", Batches(place, kill))
    resumed, files_again, companion_again = run(tmp_path / "killed", Batches())
    assert all(torch.equal(a, b) for a, b in zip(expected, resumed, strict=True))
    assert files == files_again
    assert len(files) == 4
    assert companion.history == companion_again.history
    assert not (tmp_path / "killed/checkpoints").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("place", [(1, 2), (1, 4)])
def test_a_signal_ends_the_step_saves_and_exits_75(tmp_path, number, place):
    expected, files, _ = run(tmp_path / "whole", Batches())
    former = signal.getsignal(number)
    with pytest.raises(SystemExit) as exit:
        run(tmp_path / "stopped", Batches(place, lambda: signal.raise_signal(number)))
    assert exit.value.code == EXIT_INTERRUPTED
    assert signal.getsignal(number) is former
    seen = []
    epoch, step = place if place[1] < 4 else (2, -1)
    after = Batches((epoch, step + 1), lambda: seen.append("the step after the signal is the next"))
    original = after.epoch
    after.epoch = lambda e, start=0: (seen.append((e, start)), original(e, start))[1]
    resumed, files_again, _ = run(tmp_path / "stopped", after)
    assert seen[0] == (epoch, step + 1)
    assert all(torch.equal(a, b) for a, b in zip(expected, resumed, strict=True))
    assert files == files_again


def test_the_same_seed_gives_the_same_bits(tmp_path):
    first, files, _ = run(tmp_path / "a", Batches())
    second, files_again, _ = run(tmp_path / "b", Batches())
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    assert files == files_again


class Flat(FeatureNetwork):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(48, 5)

    def forward(self, x):
        return self.linear(x.flatten(1))


def test_training_is_the_plain_loop_with_the_recipes_rate_clip_and_drop_path(tmp_path):
    """Two epochs written out, without checkpoints or hooks."""
    batches, recipe = Batches(), Recipe(**{**vars(RECIPE), "epochs": 2, "clip": 0.01})

    def build():
        torch.manual_seed(3)
        network, objective = Flat(), Noisy()
        parameters = [*network.parameters(), *objective.parameters()]
        return network, objective, parameters, build_optimizer(recipe, parameters)

    network, objective, parameters, optimizer = build()
    seen, losses = [], []
    for epoch in range(2):
        for step, batch in batches.epoch(epoch):
            optimizer.param_groups[0]["lr"] = [0.02, 0.04, 0.06, 0.08, 0.1, *[0.1] * 5][
                5 * epoch + step
            ]
            seed_step(7, epoch, step)
            optimizer.zero_grad()
            loss = objective.loss(network, batch.images, None)
            loss.backward()
            nn.utils.clip_grad_norm_(parameters, 0.01)
            optimizer.step()
            losses.append(loss.item())
    ours, our_objective, _, our_optimizer = build()
    ours.register_forward_hook(lambda module, *_: seen.append(module.drop_path))
    with Checkpoints(tmp_path / "c", "f") as checkpoints:
        curves = WrittenCurves(tmp_path / "curves")
        part = checkpoints.part()
        train(ours, our_objective, our_optimizer, batches, recipe, 7, part, curves)
    for a, b in zip(network.parameters(), ours.parameters(), strict=True):
        torch.testing.assert_close(a, b)
    assert [row["train_loss"] for row in curves.rows] == pytest.approx(
        [sum(losses[:5]) / 5, sum(losses[5:]) / 5]
    )
    assert seen == [0.0] * 5 + [0.15] * 5  # 0.3 * epoch / epochs
    assert our_objective.steps.item() == 10
    assert not ours.training


def test_a_non_finite_loss_is_explained(tmp_path):
    with pytest.raises(NonFiniteError) as error:
        run(tmp_path, Batches(), scale=1.0, rate=1e38)
    text = str(error.value)
    assert "epoch 1, step 2 of 5: the loss is" in text
    assert "learning rate 4e+37; last good checkpoint: " in text
    assert "(epoch 1, step 2); lower the learning rate" in text
    assert (tmp_path / "checkpoints/training.ckpt").exists()


def test_batches_that_cannot_be_trained_on(tmp_path):
    single = Batches()
    single.batch_size = 1
    with pytest.raises(InputError, match=r"recipe.batch_size is 1, but batch norm"):
        run(tmp_path / "a", single)


def on_a_gpu(_):
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.\nGPU 0 has")


def in_numpy(_):
    raise MemoryError


def on_a_cpu(x):
    return x + torch.empty(2**50)


@pytest.mark.parametrize("fails", [on_a_gpu, on_a_cpu, in_numpy])
@pytest.mark.parametrize("method", ["loss", "evaluate"])
def test_out_of_memory_names_the_batch_and_what_to_do(tmp_path, monkeypatch, fails, method):
    monkeypatch.setattr(Noisy, method, lambda self, network, images, labels: fails(images))
    with pytest.raises(InputError, match=r"out of memory with a batch of 4 images; halve recipe\."):
        run(tmp_path, Batches())


def test_other_errors_of_a_step_stay_what_they_are(tmp_path, monkeypatch):
    def wrong(self, network, images, labels):
        raise RuntimeError("shape")

    monkeypatch.setattr(Noisy, "loss", wrong)
    with pytest.raises(RuntimeError, match=r"^shape$"):
        run(tmp_path, Batches())


class Infinite(torch.autograd.Function):
    """The identity, with a gradient that is not finite."""

    @staticmethod
    def forward(_, x):
        return x.clone()

    @staticmethod
    def backward(_, gradient):
        return gradient * float("inf")


def test_a_non_finite_gradient_of_a_finite_loss_is_explained(tmp_path, monkeypatch):
    loss, calls = Noisy.loss, []

    def later(self, network, images, labels):
        calls.append(1)
        value = loss(self, network, images, labels)
        return Infinite.apply(value) if len(calls) == 8 else value

    monkeypatch.setattr(Noisy, "loss", later)
    with pytest.raises(NonFiniteError) as error:
        run(tmp_path, Batches())
    text = str(error.value)
    assert text.startswith("epoch 2, step 3 of 5: the loss is ")
    assert re.search(r"the norm of its gradient (inf|nan); learning rate 0\.1; last good", text)
    assert "training.ckpt (epoch 2, step 3); lower the learning rate, lengthen the warm-up" in text
    monkeypatch.undo()
    resumed, files, _ = run(tmp_path, Batches())  # the checkpoint is intact
    expected, expected_files, _ = run(tmp_path / "whole", Batches())
    assert all(torch.equal(a, b) for a, b in zip(expected, resumed, strict=True))
    assert files == expected_files
