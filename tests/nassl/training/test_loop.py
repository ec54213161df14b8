"""The loop: resuming gives the same bits, signals are handled, the steps are the plain ones."""

from __future__ import annotations

import signal

import pytest
import torch
from torch import nn

from nassl.networks.network import FeatureNetwork
from nassl.settings import Recipe
from nassl.training.checkpoint import Checkpoints
from nassl.training.interruption import EXIT_INTERRUPTED
from nassl.training.loop import train
from nassl.training.optimisers import build_optimizer
from nassl.training.seeds import seed_step
from stages.training.curves import WrittenCurves
from tests.nassl.training.small_training import RECIPE, Batches, Noisy, run


class Killed(Exception):
    pass


def kill():
    raise Killed


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
