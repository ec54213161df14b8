"""What only a GPU can show: `make gpu`. Skipped, visibly, where there is none."""

from __future__ import annotations

import warnings
from argparse import Namespace
from dataclasses import replace

import numpy as np
import pytest
import torch

from nassl.data.batches import Batches
from nassl.genotypes.cell import random_genotype
from nassl.genotypes.resnet import ResNetGenotype
from nassl.networks.build import build_network
from nassl.objectives.build import build_objective
from nassl.parallel.precision import forbid_tf32, products
from nassl.settings import (
    BlockSpace,
    CellSpace,
    Evolution,
    Network,
    Proxyless,
    Recipe,
    SimCLR,
)
from nassl.settings.strategies.evolution import total_epochs
from nassl.supernets.block import BlockSupernet
from nassl.supernets.cell import Supernet
from nassl.training import graphs, loop
from nassl.training.checkpoint import Checkpoints
from nassl.training.curves import Curves
from nassl.training.optimisers import build_optimizer
from stages.runs.lines import Resources
from stages.search import darts
from stages.search.data import SearchData
from stages.training.device import prepare_device
from tests.nassl.supernets.formulations import CIFAR, loss_of, pair
from tests.oracles.literal_supernet import shipped_name
from tests.stages.search import test_search_stage
from tests.stages.search.test_recorded_steps import OBJECTIVES, VIEWS, Noise
from tests.stages.search.test_search_stage import make_run, run_search

pytestmark = pytest.mark.cuda
CUDA = torch.device("cuda", 0)
data, elsewhere = test_search_stage.data, test_search_stage.elsewhere  # fixtures


@pytest.fixture(autouse=True)
def _repeatable():
    """As every stage that trains."""
    prepare_device(on_gpu(make_run()))
    yield
    torch.set_deterministic_debug_mode("default")


def on_gpu(run):
    return replace(run, resources=Resources(1, 1, 1, 0, 1))


def test_the_supernet_equals_the_literal_formulation():
    """In float64: outputs, all gradients, running statistics."""
    supernet, literal = (network.to(CUDA) for network in pair(CIFAR, torch.float64))
    images = torch.randn(3, 3, 16, 12, dtype=torch.float64, device=CUDA)
    found = []
    for network in (supernet, literal):
        made = network(images)
        weights = torch.linspace(-1, 1, made.numel(), dtype=made.dtype, device=CUDA)
        (made.flatten().sin() * weights).sum().backward()
        found.append(made.detach())
    torch.testing.assert_close(*found, rtol=0, atol=1e-10)
    gradients = {name: p.grad for name, p in supernet.named_parameters()}
    for name, parameter in literal.named_parameters():
        torch.testing.assert_close(gradients[shipped_name(name)], parameter.grad, rtol=0, atol=1e-8)
    buffers = dict(supernet.named_buffers())
    for name, buffer in literal.named_buffers():
        torch.testing.assert_close(buffers[shipped_name(name)], buffer, rtol=0, atol=1e-9)


def test_a_gpu_computes_what_a_cpu_computes():
    supernet, _ = pair(CIFAR, torch.float64)
    images, found = torch.randn(3, 3, 8, 8, dtype=torch.float64), []
    for device in ("cpu", CUDA):
        network = supernet.to(device)
        network.zero_grad()
        made = network(images.to(device)).cpu()
        loss_of(made).backward()
        found.append([made.detach(), *(p.grad.cpu() for p in network.parameters())])
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-8)


def trained(tmp_path, kind, objective, precision="float32", steps=8):
    """State of network and objective, and curves, of the stages' loop: discrete or searched."""
    torch.manual_seed(0)
    images = Noise(8 * steps, 16)
    labels = torch.arange(len(images)) % 3 if objective == "supervised" else None
    settings, drop = OBJECTIVES[objective], 0.0
    if kind == "supernet":
        network = Supernet(CellSpace("cell", 4, 3, "cifar"))
    elif kind == "cell":
        network, drop = build_network(random_genotype(0), Network("cifar", 4, 3), 16, True), 0.4
        if objective == "supervised":
            settings = replace(settings, auxiliary_weight=0.4)
    elif kind == "block":
        network = BlockSupernet(BlockSpace("block", 8, [1, 1], "cifar"))
    else:
        network = build_network(ResNetGenotype(18), Network("cifar", 8), 16)
    network = network.to(CUDA)
    made = build_objective(
        settings, network, images.mean, images.std, classes=3, images=len(images)
    )
    recipe = Recipe(
        2, 4, "sgd", 0.05, "cosine", 3e-4, momentum=0.9, warmup_epochs=1, clip=5.0,
        drop_path=drop, precision=precision,
    )  # fmt: skip
    halves = np.split(np.arange(len(images)), 2)
    batches = [Batches(images, labels, half, 4, s, device=CUDA) for s, half in enumerate(halves)]
    searched = kind == "supernet"
    weights = network.weight_parameters() if searched else network.parameters()
    optimizer = build_optimizer(recipe, [*weights, *made.trained_parameters()])
    companion = None
    if searched:
        strategy = make_run().settings["strategy"]
        shares = SearchData(images, 3, *batches, batches[1])
        companion = darts.AlphaSteps(
            strategy, network, made, optimizer, shares, 0, precision
        )  # fmt: skip
    curves = Curves()
    with Checkpoints(tmp_path / "checkpoints", "none") as checkpoints:
        loop.train(
            network, made, optimizer, batches[0], recipe, 0, checkpoints.part(), curves, companion
        )  # fmt: skip
    state = {f"{i}.{n}": v.cpu() for i, m in enumerate((network, made))
             for n, v in m.state_dict().items()}  # fmt: skip
    return state, curves.rows


CASES = [
    ("supernet", "simclr"), ("supernet", "moco"), ("supernet", "supervised"),
    ("cell", "supervised"), ("cell", "simclr"), ("resnet", "moco"), ("block", "moco"),
]  # fmt: skip


@pytest.mark.parametrize("precision", ["float32", "tf32", "bfloat16"])
@pytest.mark.parametrize(("kind", "objective"), CASES)
def test_a_graph_computes_the_bits_of_calls(tmp_path, monkeypatch, kind, objective, precision):
    """And the same bits twice."""
    recorded = []

    class Watched(graphs.RecordedStep):
        def __call__(self, *tensors):
            made = super().__call__(*tensors)
            recorded.append(self.recorded)
            return made

    monkeypatch.setattr(loop, "RecordedStep", Watched)
    monkeypatch.setattr(darts, "RecordedStep", Watched)
    results = []
    for number, on in enumerate("110"):
        monkeypatch.setenv("NASSL_GRAPHS", on)
        recorded.clear()
        results.append(trained(tmp_path / str(number), kind, objective, precision))
        assert recorded[-1] == (on == "1")
    for state, rows in results[1:]:
        assert rows == results[0][1]
        assert [n for n, v in state.items() if not torch.equal(v, results[0][0][n])] == []


@pytest.mark.parametrize(("kind", "objective"), CASES)
def test_nothing_in_a_step_waits(tmp_path, monkeypatch, kind, objective):
    class Watched(graphs.RecordedStep):
        calls = 0

        def __call__(self, *tensors):
            Watched.calls += 1
            # The first calls copy constants to the device, once.
            torch.cuda.set_sync_debug_mode("error" if Watched.calls > 4 else "default")
            try:
                return self.function(*tensors)
            finally:
                torch.cuda.set_sync_debug_mode("default")

    monkeypatch.setattr(loop, "RecordedStep", Watched)
    monkeypatch.setattr(darts, "RecordedStep", Watched)
    trained(tmp_path, kind, objective)
    assert Watched.calls > 10


@pytest.mark.parametrize("name", ["order-1", "order-2", "proxyless", "evolution"])
def test_a_search_gives_the_same_bytes_twice_and_after_a_kill(data, tmp_path, monkeypatch, name):
    monkeypatch.setenv("NASSL_CHECKPOINT_SECONDS", "0")
    block = {"space": BlockSpace("block", 4, [1, 1], "cifar")}
    run = {
        "order-1": lambda: make_run(),
        "order-2": lambda: make_run(order=2),
        "proxyless": lambda: make_run(
            objective="moco", strategy=Proxyless("proxyless", 0.5, 1, 0.01, [0.0, 0.999], 0.0),
            **block,
        ),
        "evolution": lambda: make_run(
            objective="moco", strategy=Evolution("evolution", 0.5, 1, 1, 0.9, 0.1, 0.5, 0.5, 0.1),
            recipe=replace(test_search_stage.RECIPE, epochs=1 + total_epochs(6, 1)), **block,
        ),
    }[name]()  # fmt: skip
    run = on_gpu(run)
    if name == "evolution":
        monkeypatch.setattr("stages.search.evolution.initial_structure", _first)
    expected = run_search(run, data, tmp_path / "first")
    assert run_search(run, data, tmp_path / "second") == expected
    step, calls = loop.set_learning_rate, []

    def killed(optimizer, rate):
        calls.append(rate)
        if len(calls) == 5:
            raise KeyboardInterrupt
        step(optimizer, rate)

    monkeypatch.setattr(loop, "set_learning_rate", killed)
    with pytest.raises(KeyboardInterrupt):
        run_search(run, data, tmp_path / "third")
    monkeypatch.setattr(loop, "set_learning_rate", step)
    assert run_search(run, data, tmp_path / "third") == expected


def _first(run, inputs: Namespace):
    from nassl.genotypes.block import resnet50

    return resnet50(tuple(run.settings["space"].depths))


def test_tf32_is_off_unless_asked_for():
    forbid_tf32()
    a, b = (torch.randn(512, 512, device=CUDA) for _ in range(2))
    x, w = torch.randn(8, 64, 16, 16, device=CUDA), torch.randn(64, 64, 3, 3, device=CUDA)
    for call in (lambda t: a.to(t) @ b.to(t), lambda t: torch.conv2d(x.to(t), w.to(t))):
        exact = call(torch.float64)
        errors = {}
        for precision in ("float32", "tf32"):
            with products(precision):
                difference = (call(torch.float32) - exact).abs().max()
            errors[precision] = (difference / exact.abs().max()).item()
        assert errors["float32"] < 2e-6
        if torch.cuda.get_device_capability()[0] >= 8:  # Ampere and later have TF32
            assert errors["tf32"] > 2e-5


def test_alpha_gradients_of_a_lower_precision_are_near(tmp_path):
    """Mixing weights and their gradients stay in float32; what they multiply does not."""
    torch.manual_seed(0)
    network = Supernet(CellSpace("cell", 8, 3, "cifar")).to(CUDA)
    images = Noise(16, 16)
    made = build_objective(SimCLR("simclr", 0.5, 8, 8, VIEWS), network, images.mean, images.std)
    given = images.resident(CUDA).to(CUDA).permute(0, 3, 1, 2)
    found = {}
    for precision in ("float32", "tf32", "bfloat16"):
        torch.manual_seed(1)
        with products(precision):
            with loop.autocast(precision, CUDA):
                loss = made.loss(network, given, None)
            alphas = network.architecture_parameters()
            gradients = torch.autograd.grad(loss, alphas, allow_unused=True)
        assert {g.dtype for g in gradients} == {torch.float32}
        found[precision] = torch.cat([g.flatten() for g in gradients])
    for precision, least in (("tf32", 0.99), ("bfloat16", 0.8)):
        cosine = torch.cosine_similarity(found[precision], found["float32"], dim=0)
        assert cosine > least, (precision, cosine)


def test_no_flood_of_warnings(tmp_path):
    """What has no deterministic kernel would say so."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        for kind, objective in CASES:
            trained(tmp_path / f"{kind}-{objective}", kind, objective)
    texts = [str(w.message) for w in said if "deterministic" in str(w.message)]
    assert texts == []


def test_memory_that_runs_out_in_the_optimizers_first_step_is_explained(tmp_path, monkeypatch):
    def full(*_, **__):
        torch.empty(2**50, device=CUDA)

    monkeypatch.setattr("nassl.training.optimisers.RecordableSGD.step", full)
    with pytest.raises(loop.InputError, match=r"out of memory with a batch of 4 images; halve"):
        trained(tmp_path, "resnet", "moco")
