from __future__ import annotations

import copy
import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from nassl.objectives.build import build_objective
from nassl.objectives.moco import MoCoObjective, info_nce
from nassl.settings import MoCo, SettingsError, Views


class Tiny(nn.Module):
    """(B, 3, 4, 4) -> (B, 5), with batch norm."""

    feature_dim = 5

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 5, 3)
        self.bn = nn.BatchNorm2d(5)

    def forward(self, x):
        return self.bn(self.conv(x)).relu().mean((2, 3))


def noisy(images):
    """Views with noise from the global generator."""
    return images.double() / 255 + 0.1 * torch.randn(images.shape, dtype=torch.float64)


def settings(**changes):
    given = {
        "kind": "moco",
        "temperature": 0.2,
        "momentum": 0.9,
        "queue": 12,
        "head": "mlp",
        "hidden": 7,
        "projection": 6,
        "groups": 1,
        "views": Views(crop="none"),
    }
    return MoCo(**(given | changes))


def made(images=100, **changes):
    torch.manual_seed(0)
    network = Tiny().double()
    return network, MoCoObjective(settings(**changes), network, noisy, images).double().train()


def pictures(count, step=0):
    generator = torch.Generator().manual_seed(step)
    return torch.randint(0, 256, (count, 3, 4, 4), dtype=torch.uint8, generator=generator)


def sgd(network, objective):
    return torch.optim.SGD([*network.parameters(), *objective.trained_parameters()], lr=0.1)


class Literal:
    """MoCo's published pseudo-code (Alg. 1 of the MoCo paper), one thing at a time."""

    def __init__(self, network, objective):
        self.f_q = nn.Sequential(copy.deepcopy(network), copy.deepcopy(objective.projection))
        self.f_k = copy.deepcopy(self.f_q)
        self.queue = objective.queue.clone()
        self.pointer, self.m, self.t = 0, 0.9, 0.2
        self.optimizer = torch.optim.SGD(self.f_q.parameters(), lr=0.1)
        self.first = True

    def step(self, images):
        if not self.first:  # at first the two are equal
            for q, k in zip(self.f_q.parameters(), self.f_k.parameters(), strict=True):
                k.data = self.m * k.data + (1 - self.m) * q.data
        self.first = False
        x = noisy(torch.cat([images, images]))
        x_q, x_k = x[: len(images)], x[len(images) :]
        q = F.normalize(self.f_q(x_q), dim=1)
        with torch.no_grad():
            k = F.normalize(self.f_k(x_k), dim=1)
        l_pos = (q * k).sum(1, keepdim=True)
        l_neg = q @ self.queue
        logits = torch.cat([l_pos, l_neg], dim=1)
        loss = F.cross_entropy(logits / self.t, torch.zeros(len(q), dtype=torch.long))
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.queue[:, self.pointer : self.pointer + len(q)] = k.T
        self.pointer = (self.pointer + len(q)) % self.queue.shape[1]
        return loss.detach()


def test_equals_the_literal_queue_step_by_step():
    """Up to rounding: the last bit of a product depends on the processor."""
    network, objective = made()
    literal = Literal(network, objective)
    optimizer = sgd(network, objective)
    for step in range(8):  # 4 of 12 keys a step: twice around and more
        torch.manual_seed(step)
        expected = literal.step(pictures(4, step))
        torch.manual_seed(step)
        loss = objective.loss(network, pictures(4, step))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        objective.after_step(network)
        torch.testing.assert_close(loss.detach(), expected, rtol=0, atol=1e-12)
        torch.testing.assert_close(objective.queue, literal.queue, rtol=0, atol=1e-12)
        assert int(objective.oldest) == literal.pointer
    for mine, other in zip(
        [*network.parameters(), *objective.projection.parameters()],
        literal.f_q.parameters(),
        strict=True,
    ):
        torch.testing.assert_close(mine, other, rtol=0, atol=1e-12)


def test_teacher_is_the_moving_average_of_the_students():
    network, objective = made()
    optimizer = sgd(network, objective)
    expected = [p.detach().clone() for p in network.parameters()]
    for step in range(5):
        optimizer.zero_grad()
        objective.loss(network, pictures(4, step)).backward()
        optimizer.step()
        objective.after_step(network)
        expected = [
            0.9 * t + (1 - 0.9) * s for t, s in zip(expected, network.parameters(), strict=True)
        ]
    for mine, other in zip(objective.teacher.parameters(), expected, strict=True):
        assert torch.equal(mine, other)


def test_teacher_and_queue_get_no_gradient_and_loss_leaves_them_alone():
    network, objective = made()
    teacher = [*objective.teacher.parameters(), *objective.teacher_projection.parameters()]
    before = [p.clone() for p in teacher]
    queue = objective.queue.clone()
    objective.loss(network, pictures(4)).backward()
    assert all(p.grad is None and not p.requires_grad for p in teacher)
    assert all(torch.equal(a, b) for a, b in zip(before, teacher, strict=True))
    assert torch.equal(queue, objective.queue)
    assert not objective.queue.requires_grad
    trained = {id(p) for p in objective.trained_parameters()}
    assert trained == {id(p) for p in objective.projection.parameters()}
    assert all(p.grad.abs().sum() > 0 for p in network.conv.parameters() if p.dim() > 1)


def test_info_nce_equals_a_double_loop():
    torch.manual_seed(0)
    q, k = (F.normalize(torch.randn(3, 4, dtype=torch.float64), dim=1) for _ in range(2))
    queue = F.normalize(torch.randn(4, 5, dtype=torch.float64), dim=0)
    losses, margins = info_nce(q, k, queue, 0.2)
    for i in range(3):
        positive = sum(float(q[i, d] * k[i, d]) for d in range(4))
        negatives = [sum(float(q[i, d] * queue[d, n]) for d in range(4)) for n in range(5)]
        total = sum(math.exp(s / 0.2) for s in [positive, *negatives])
        assert float(losses[i]) == pytest.approx(-math.log(math.exp(positive / 0.2) / total))
        assert float(margins[i]) == pytest.approx(positive - max(negatives))


def test_info_nce_gradient():
    torch.manual_seed(0)
    q = torch.randn(3, 4, dtype=torch.float64, requires_grad=True)
    k = F.normalize(torch.randn(3, 4, dtype=torch.float64), dim=1)
    queue = F.normalize(torch.randn(4, 5, dtype=torch.float64), dim=0)
    assert torch.autograd.gradcheck(lambda q: info_nce(F.normalize(q, dim=1), k, queue, 0.2)[0], q)


def test_queue_is_a_ring_for_any_batch_and_never_longer_than_the_training_set():
    network, objective = made(images=10, queue=4096)
    assert objective.queue.shape == (6, 10)
    ring = objective.queue.clone()
    place = 0
    for step in range(5):
        objective.loss(network, pictures(4, step))
        keys = objective._keys.clone()
        objective.after_step(network)
        for key in keys:
            ring[:, place % 10] = key
            place += 1
        assert torch.equal(objective.queue, ring)
    network, short = made(images=3)
    short.loss(network, pictures(4))
    keys = short._keys.clone()
    short.after_step(network)
    assert torch.equal(short.queue, keys[1:].T)
    assert made(images=0)[1].queue.shape == (6, 12)


def test_groups_have_batch_statistics_of_their_own_and_the_teachers_are_shuffled():
    network, objective = made(groups=2)
    student, teacher = copy.deepcopy(network), copy.deepcopy(network)
    images = pictures(6)
    torch.manual_seed(1)
    loss = objective.loss(network, images)
    torch.manual_seed(1)
    x = noisy(torch.cat([images, images]))
    order = torch.randperm(6).tolist()
    assert [order[place] for place in order] != list(range(6))  # not its own inverse
    q = torch.cat([student(x[0:3]), student(x[3:6])])
    features = torch.cat([teacher(x[6:][order[:3]]), teacher(x[6:][order[3:]])])
    k = torch.empty_like(features)
    for place, image in enumerate(order):
        k[image] = features[place]
    head = objective.projection
    q, k = F.normalize(head(q), dim=1), F.normalize(head(k), dim=1)
    expected = info_nce(q, k, objective.queue, 0.2)[0].mean()
    torch.testing.assert_close(loss, expected, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(network.bn.running_mean, student.bn.running_mean)
    torch.testing.assert_close(objective.teacher.bn.running_mean, teacher.bn.running_mean)


def test_evaluation_changes_nothing_and_is_per_image():
    network, objective = made(groups=2)
    network.eval()
    objective.eval()
    state = copy.deepcopy(objective.state_dict())
    torch.manual_seed(1)
    values = objective.evaluate(network, pictures(5))
    assert {name: (tuple(v.shape), v.dtype) for name, v in values.items()} == {
        "loss": ((5,), torch.float64),
        "margin": ((5,), torch.float64),
    }
    assert all(torch.equal(state[name], value) for name, value in objective.state_dict().items())
    torch.manual_seed(1)
    torch.testing.assert_close(values["loss"].mean(), objective.loss(network, pictures(5)))


def test_labels_change_no_bit():
    losses = []
    for labels in (None, torch.arange(4), torch.zeros(4)):
        network, objective = made()
        torch.manual_seed(3)
        losses.append(objective.loss(network, pictures(4), labels))
    assert torch.equal(losses[0], losses[1])
    assert torch.equal(losses[0], losses[2])


def test_queue_and_teacher_are_in_the_state():
    _, objective = made()
    names = set(objective.state_dict())
    assert {"queue", "oldest", "teacher.conv.weight", "teacher_projection.0.weight"} <= names


def test_refuses_what_cannot_be():
    with pytest.raises(SettingsError, match=r"objective.head is 'cubic'; available: linear, mlp"):
        made(head="cubic")
    with pytest.raises(SettingsError, match=r"objective.queue is 0 and objective.groups 1"):
        made(queue=0)
    network, objective = made(groups=3)
    with pytest.raises(SettingsError, match="groups is 3, but a batch has 4 images"):
        objective.loss(network, pictures(4))


def test_is_built_from_its_section():
    network = Tiny()
    mean = std = torch.full((3,), 0.5)
    objective = build_objective(settings(head="linear"), network, mean, std, images=8)
    assert isinstance(objective.projection, nn.Linear)
    assert objective.queue.shape == (6, 8)
    assert torch.isfinite(objective.loss(network, pictures(4)))
