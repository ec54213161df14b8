"""Steps of a search as a GPU takes them, on a CPU: what they start, that nothing waits, and that
a recorded step computes what a called one does."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from nassl.data.batches import Batches
from nassl.data.images import Images
from nassl.genotypes.cell import random_genotype
from nassl.kernels import loader
from nassl.networks.build import build_network
from nassl.objectives.build import build_objective
from nassl.parallel import path
from nassl.settings import CellSpace, Darts, MoCo, Network, Recipe, SimCLR, Supervised, Views
from nassl.supernets.cell import Supernet
from nassl.training import graphs, loop
from nassl.training.checkpoint import Checkpoints
from nassl.training.curves import Curves
from nassl.training.optimisers import RecordableSGD
from stages.search import alphas, darts
from stages.search.data import SearchData
from tests.nassl.training.recorders import Counted, FakeRecorder

VIEWS = Views(
    "resized", crop_scale=[0.2, 1.0], crop_ratio=[3 / 4, 4 / 3], flip=0.5, jitter=0.8,
    brightness=0.4, contrast=0.4, saturation=0.4, hue=0.1, grayscale=0.2, blur=0.5,
    blur_sigma=[0.1, 2.0],
)  # fmt: skip
OBJECTIVES = {
    "simclr": SimCLR("simclr", 0.5, 8, 8, VIEWS),
    "moco": MoCo("moco", 0.2, 0.9, 8, "mlp", 8, 8, 2, VIEWS),
    "supervised": Supervised(
        "supervised", 0.0, 0.0, Views("padded", padding=2, flip=0.5, cutout=4)
    ),
}
MOST = 6000  # operations of an iteration: a step of alpha and one of the weights


class Noise(Images):
    def __init__(self, count: int, side: int) -> None:
        super().__init__({"image_size": side, "mean": [0.5] * 3, "std": [0.2] * 3}, count)
        self.pixels = torch.randint(0, 256, (count, side, side, 3), dtype=torch.uint8)

    def resident(self, device: torch.device) -> torch.Tensor:
        return self.pixels.to(device)

    def _pixels(self, indices: np.ndarray) -> np.ndarray:
        return self.pixels.numpy()[indices]


@pytest.fixture(autouse=True)
def _as_on_a_gpu(monkeypatch):
    """Its way, its optimizers, and no kernel that a CPU has instead of torch's."""
    monkeypatch.setattr(path, "forced", True)
    monkeypatch.setattr(loader, "computes", lambda *_: False)
    monkeypatch.setattr(alphas, "build_adam", lambda given, rate, betas, decay: torch.optim.Adam(
        given, torch.tensor(rate), betas, weight_decay=decay, fused=True))  # fmt: skip


def search(tmp_path, objective="simclr", cells=3, steps=6, side=8, epochs=1):
    """Trains a supernet by DARTS' alternating steps; the network, the companion, its curves."""
    torch.manual_seed(0)
    images = Noise(8 * steps, side)
    labels = torch.arange(len(images)) % 3 if objective == "supervised" else None
    network = Supernet(CellSpace("cell", 2, cells, "cifar"))
    made = build_objective(
        OBJECTIVES[objective], network, images.mean, images.std, classes=3, images=len(images)
    )
    recipe = Recipe(epochs, 4, "sgd", 0.05, "cosine", 3e-4, momentum=0.9, warmup_epochs=1, clip=5.0)
    weights = [*network.weight_parameters(), *made.trained_parameters()]
    optimizer = RecordableSGD(weights, torch.tensor(0.0), momentum=0.9, weight_decay=3e-4)
    halves = np.split(np.arange(len(images)), 2)
    batches = [Batches(images, labels, half, 4, seed) for seed, half in enumerate(halves)]
    data = SearchData(images, 3, *batches, batches[1])
    settings = Darts("darts", 1, True, 0.5, 3e-3, [0.5, 0.999], 1e-3)
    companion = darts.AlphaSteps(settings, network, made, optimizer, data, 0)
    curves = Curves()
    with Checkpoints(tmp_path / "checkpoints", "none") as checkpoints:
        loop.train(
            network,
            made,
            optimizer,
            data.training,
            recipe,
            0,
            checkpoints.part(),
            curves,
            companion,
        )
    return network, made, companion, curves.rows


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_a_recorded_search_is_the_called_one_bit_for_bit(tmp_path, monkeypatch, objective):
    """Learning rates that change with every step, new images, new random numbers, a queue."""
    expected = search(tmp_path / "called", objective)
    recorders = []

    def recorder(_):
        recorders.append(FakeRecorder())
        return recorders[-1]

    monkeypatch.setattr(loop, "recorder", recorder)
    monkeypatch.setattr(darts, "recorder", recorder)
    found = search(tmp_path / "recorded", objective)
    assert [(r.recorded, r.replays) for r in recorders] == [(1, 3), (1, 3)]
    for ours, theirs in zip(found[:2], expected[:2], strict=True):
        values = theirs.state_dict()
        different = [n for n, v in ours.state_dict().items() if not torch.equal(v, values[n])]
        assert not different
    assert found[2].state_dict()["total"] == expected[2].state_dict()["total"]
    assert found[3] == expected[3]


def retrained(tmp_path, probability=None):
    """The weights of a cell network with an auxiliary head after three epochs of dropped paths."""
    torch.manual_seed(0)
    images = Noise(20, 8)
    network = build_network(random_genotype(0), Network("cifar", 2, 3), 8, True)
    network.drop_path = torch.zeros(()) if probability is None else probability
    settings = replace(OBJECTIVES["supervised"], auxiliary_weight=0.4)
    made = build_objective(settings, network, images.mean, images.std, classes=3)
    recipe = Recipe(3, 4, "sgd", 0.05, "cosine", 3e-4, momentum=0.9, drop_path=0.6)
    optimizer = RecordableSGD(
        [*network.parameters(), *made.trained_parameters()], torch.tensor(0.0), momentum=0.9
    )
    batches = Batches(images, torch.arange(20) % 3, np.arange(20), 4, 0)
    with Checkpoints(tmp_path / "checkpoints", "none") as checkpoints:
        loop.train(network, made, optimizer, batches, recipe, 0, checkpoints.part(), Curves())
    return network.state_dict()


def test_a_recorded_retraining_follows_drop_path_from_epoch_to_epoch(tmp_path, monkeypatch):
    expected = retrained(tmp_path / "called")
    recorder = FakeRecorder()
    monkeypatch.setattr(loop, "recorder", lambda _: recorder)
    found = retrained(tmp_path / "recorded")
    assert (recorder.recorded, recorder.replays) == (1, 12)
    assert [n for n, value in found.items() if not torch.equal(value, expected[n])] == []
    number = retrained(tmp_path / "number", 0.0)  # which the recording keeps at 0
    assert not torch.equal(number["stem.conv.weight"], expected["stem.conv.weight"])


def test_what_the_host_knows_is_not_followed_by_a_recording(tmp_path, monkeypatch):
    """That the comparison sees a rate that is a number: the reason for rates in tensors."""
    expected = search(tmp_path / "called")
    monkeypatch.setattr(loop, "recorder", lambda _: FakeRecorder())
    monkeypatch.setattr(
        loop, "set_learning_rate", lambda o, rate: o.param_groups[0].update(lr=torch.tensor(rate))
    )
    found = search(tmp_path / "recorded")
    weight, other = (next(iter(made[0].weight_parameters())) for made in (found, expected))
    assert not torch.equal(weight, other)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_nothing_in_a_step_waits(tmp_path, monkeypatch, objective):
    counted = Counted()

    class Watched(graphs.RecordedStep):
        def __call__(self, *tensors):
            with counted:
                return self.function(*tensors)

    monkeypatch.setattr(loop, "RecordedStep", Watched)
    monkeypatch.setattr(darts, "RecordedStep", Watched)
    search(tmp_path, objective, steps=1)
    assert counted.operations["aten::convolution_backward"] > 100
    assert not +counted.waiting


def test_an_iteration_starts_few_operations(tmp_path, monkeypatch):
    """Of the reference supernet, 8 cells: about 22,000 edge by edge."""
    seen = []

    class Watched(graphs.RecordedStep):
        def __call__(self, *tensors):
            with Counted() as counted:
                made = self.function(*tensors)
            seen.append(counted.operations.total())
            return made

    monkeypatch.setattr(loop, "RecordedStep", Watched)
    monkeypatch.setattr(darts, "RecordedStep", Watched)
    search(tmp_path, cells=8, steps=2)
    assert len(seen) == 4  # the first step of the weights also makes the momentum
    assert 3000 < seen[2] + seen[3] < MOST
    print(f"operations: {seen[2]} in a step of alpha, {seen[3]} in one of the weights")


@pytest.mark.parametrize("waits", [
    lambda x: x[x > 0], lambda x: float(x[0]), lambda x: x + torch.tensor(2.0),
    lambda x: x.nonzero(), lambda x: 1 if x[0] > 0 else 0,
])  # fmt: skip
def test_what_waits_is_seen(waits):
    with Counted() as counted:
        waits(torch.ones(3))
    assert +counted.waiting


def test_a_step_is_recorded_again_when_its_key_changes():
    """A sub-network of every epoch; one of every step is never recorded."""
    state = SimpleNamespace(choice=0)
    total = torch.zeros(1)
    recorder = FakeRecorder()
    step = graphs.RecordedStep(lambda x: total.add_(x), recorder, lambda: state.choice)
    for number in range(10):
        state.choice = number // 5
        step(torch.full((1,), float(number)))
    assert total.item() == 45
    assert (recorder.recorded, recorder.replays) == (2, 4)
    for number in range(10):
        state.choice = 10 + number
        step(torch.ones(1))
    assert total.item() == 55
    assert recorder.recorded == 2


def test_a_step_that_cannot_be_recorded_is_called(caplog):
    class Refusing(FakeRecorder):
        def record(self, function):
            raise RuntimeError("operation not permitted when stream is capturing")

    total = torch.zeros(1)
    step = graphs.RecordedStep(lambda x: total.add_(x), Refusing())
    for _ in range(6):
        step(torch.ones(1))
    assert total.item() == 6
    assert not step.recorded
    assert "cannot be recorded: operation not permitted" in caplog.text
    assert len(caplog.records) == 1


def test_the_switch(monkeypatch):
    monkeypatch.setenv("NASSL_GRAPHS", "yes")
    with pytest.raises(graphs.InputError, match=r"NASSL_GRAPHS is 'yes'.*1 .*and 0"):
        graphs.recorder(torch.device("cpu"))
    monkeypatch.delenv("NASSL_GRAPHS")
    assert graphs.recorder(torch.device("cpu")) is None
