"""What a training says, and keeps, of the time that it waited for its data."""

from __future__ import annotations

import json

import pytest
import torch

from nassl.training import waiting
from nassl.training.checkpoint import Checkpoints
from nassl.training.cost import Cost
from nassl.training.waiting import Waiting, slowed_down
from tests.nassl.training.small_training import Batches, run

GPU, CPU = torch.device("cuda", 0), torch.device("cpu")


@pytest.fixture
def clock(monkeypatch):
    """`clock[0]` is the time, in seconds."""
    now = [0.0]
    monkeypatch.setattr(waiting.time, "perf_counter", lambda: now[0])
    return now


def test_an_epoch_has_its_own_share_and_the_cost_has_that_of_all(tmp_path, clock):
    waited, cost = [5.0], Cost()
    counted = Waiting(lambda: waited[0], cost)
    for seconds, of in ((1.0, 4.0), (0.0, 6.0)):
        clock[0] += 100.0  # between epochs: not a step's
        counted.begin()
        clock[0], waited[0] = clock[0] + of, waited[0] + seconds
        counted.count()
        assert counted.share == seconds / of
    cost.write(tmp_path)
    assert json.loads((tmp_path / "cost.json").read_text())["waiting_share"] == 0.1


def test_a_run_that_trains_nothing_has_no_share(tmp_path):
    Cost().write(tmp_path)
    assert "waiting_share" not in json.loads((tmp_path / "cost.json").read_text())


def test_a_resumed_run_goes_on_counting(tmp_path):
    interrupted = Checkpoints(tmp_path, "f")
    interrupted.__enter__()
    interrupted.cost.waiting[:] = [30.0, 120.0]
    interrupted.part().save({})
    interrupted.__exit__(KeyboardInterrupt)
    with Checkpoints(tmp_path, "f") as checkpoints:
        assert checkpoints.cost.waiting == [30.0, 120.0]


class Slow(Batches):
    """Waits for a second of its own clock before every batch; a step takes three."""

    decoding_threads = 2

    def __init__(self, clock):
        super().__init__()
        self.clock = clock

    def epoch(self, epoch, start_step=0):
        for made in super().epoch(epoch, start_step):
            self.clock[0] += 1.0
            self.waited_seconds += 1.0
            yield made
            self.clock[0] += 3.0


def test_a_training_says_the_share_of_every_epoch(tmp_path, clock, capsys):
    run(tmp_path, Slow(clock))
    lines = [line for line in capsys.readouterr().err.splitlines() if "waiting for data" in line]
    assert len(lines) == 3
    assert all(line.endswith(", 25% waiting for data") for line in lines)


def test_a_gpu_that_waits_is_mentioned():
    assert slowed_down(0.37, 4, GPU) == (
        "the GPU waited 37% of the time for images, which 4 threads decode: with more of them "
        "(resources.<stage>.threads) or by nvJPEG (+data.<name>.decoder=nvjpeg) it would be faster"
    )
    assert "which 1 thread decodes:" in slowed_down(0.37, 1, GPU)
    assert slowed_down(0.37, 4, GPU, nvjpeg=False).endswith(
        "(resources.<stage>.threads) it would be faster"
    )
    assert slowed_down(0.2, 0, GPU).endswith("which are copied to it one batch after the other")
    assert slowed_down(0.09, 4, GPU) == ""
    assert slowed_down(0.9, 4, CPU) == ""  # it has nothing better to do
