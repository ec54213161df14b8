"""MoCo: InfoNCE against a queue of keys that a slowly moving teacher wrote (FaUNAE sec. III.C).

Version 1 has a linear head, version 2 an MLP and stronger views: settings, not code.
"""

from __future__ import annotations

import copy

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nassl.data.views import RandomViews
from nassl.networks.network import FeatureNetwork
from nassl.objectives.objective import Given, Objective
from nassl.parallel.distributed import average, from_first, gather, own_part
from nassl.parallel.precision import float32
from nassl.parallel.processes import world_size
from nassl.settings import MoCo, SettingsError


def info_nce(
    queries: Tensor, keys: Tensor, queue: Tensor, temperature: float
) -> tuple[Tensor, Tensor]:
    """Losses (B,) and margins (B,) of normalised queries (B, D), their keys (B, D), and the queue
    (D, K) of other images' keys.

    -log(exp(s.t+ / tau) / (exp(s.t+ / tau) + sum_n exp(s.t_n / tau))) (eq. 6). The margin is s.t+
    minus the largest s.t_n (SSNAS sec. 3.1).
    """
    with float32(queries):
        positive = (queries * keys).sum(1, keepdim=True)
        negative = queries @ queue
    logits = torch.cat([positive, negative], 1) / temperature
    target = torch.zeros(len(logits), dtype=torch.long, device=logits.device)
    losses = F.cross_entropy(logits, target, reduction="none")
    return losses, positive[:, 0] - negative.amax(1)


class MoCoObjective(Objective):
    """A student (the network that is trained and `projection`) and its teacher.

    The teacher starts as a copy of the student; after every step its parameters become
    m * teacher + (1 - m) * student (eq. 7; MoCo's code does so before the next step, which is the
    same), and the keys of the step take the place of the oldest ones in the queue. Batch norm
    statistics of the teacher are its own. A teacher of a weight-sharing network follows the
    student's architecture, and only parameters of the current sub-network move.

    With `groups` > 1 a training batch goes through the networks in that many parts, each with its
    own batch norm statistics, as on that many devices; the teacher's parts are made of other images
    than the student's (shuffling BN, MoCo sec. 3.3). So one device is enough. Several processes
    share the groups; the teacher's images are shuffled over all devices, and the keys of all go
    into every process's queue. The loss is that of a process's own images: its mean over processes
    is the loss of the whole batch. Running statistics are averaged over processes.

    `images` is the number of training images: the queue is never longer. Any batch size works: the
    queue is a ring, and a batch longer than it leaves only its last keys.
    """

    own_statistics = True
    queue: Tensor
    oldest: Tensor

    def __init__(
        self, settings: MoCo, network: FeatureNetwork, views: RandomViews, images: int = 0
    ) -> None:
        super().__init__()
        if settings.queue < 1 or settings.groups < 1:
            raise SettingsError(
                f"objective.queue is {settings.queue} and objective.groups {settings.groups}; "
                "both are at least 1"
            )
        self.settings, self.views = settings, views
        self.projection = _head(settings, network.feature_dim)
        self.teacher = copy.deepcopy(network).requires_grad_(False)
        self.teacher_projection = copy.deepcopy(self.projection).requires_grad_(False)
        length = min(settings.queue, images) if images else settings.queue
        # Random directions until there are keys, as in MoCo's code.
        self.register_buffer("queue", F.normalize(torch.randn(settings.projection, length), dim=0))
        self.register_buffer("oldest", torch.zeros((), dtype=torch.long))
        self._keys: Tensor | None = None  # of the last training batch, until after_step

    @classmethod
    def build(cls, settings: MoCo, network: FeatureNetwork, given: Given) -> MoCoObjective:
        return cls(
            settings, network, RandomViews(settings.views, given.mean, given.std), given.images
        )

    def loss(self, network: nn.Module, images: Tensor, labels: Tensor | None = None) -> Tensor:
        queries, keys, self._keys = self._encode(network, images, together=True)
        return info_nce(queries, keys, self.queue, self.settings.temperature)[0].mean()

    def evaluate(
        self, network: nn.Module, images: Tensor, labels: Tensor | None = None
    ) -> dict[str, Tensor]:
        """`loss` and `margin` of held-out images against the queue of training images' keys; every
        process on its own."""
        queries, keys, _ = self._encode(network, images, together=False)
        losses, margin = info_nce(
            queries.double(), keys.double(), self.queue.double(), self.settings.temperature
        )
        return {"loss": losses, "margin": margin}

    @torch.no_grad()
    def after_step(self, network: nn.Module) -> None:
        self._move_teacher(network)
        buffers = [*network.buffers(), *self.teacher.buffers()]
        average(buffer for buffer in buffers if buffer.is_floating_point())
        if self._keys is None:
            raise RuntimeError("after_step was called before any loss")
        keys = self._keys[-self.queue.shape[1] :]
        places = (self.oldest + torch.arange(len(keys), device=keys.device)) % self.queue.shape[1]
        self.queue[:, places] = keys.T
        self.oldest.copy_((self.oldest + len(keys)) % self.queue.shape[1])
        self._keys = None

    def _move_teacher(self, network: nn.Module) -> None:
        students: list[Tensor] = [*_parameters(network), *self.projection.parameters()]
        teachers: list[Tensor] = [*_parameters(self.teacher), *self.teacher_projection.parameters()]
        m = self.settings.momentum
        # Two roundings, as eq. 7 is written; a fused multiply-add would give other bits.
        torch._foreach_mul_(teachers, m)
        torch._foreach_add_(teachers, list(torch._foreach_mul(students, 1 - m)))

    def _encode(
        self, network: nn.Module, images: Tensor, together: bool
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Normalised queries and keys (B, D) of this process's images, and the keys of all
        processes' images (world * B, D) if `together`; keys without gradient."""
        x = self.views(torch.cat([images, images])).to(self.queue.dtype)
        first, second = x.chunk(2)
        groups = self._own_groups() if together else self.settings.groups
        queries = self.projection(self._features(network, first, groups))
        queries = F.normalize(queries.to(self.queue.dtype), dim=1)
        keys = self._encode_keys(network, second, together)
        return queries, own_part(keys) if together else keys, keys

    @torch.no_grad()
    def _encode_keys(self, network: nn.Module, images: Tensor, together: bool) -> Tensor:
        """Normalised keys of views (B, 3, H, W): (world * B, D) if `together`, else (B, D)."""
        if isinstance(network, FeatureNetwork):
            self.teacher.follow(network)
        groups = self._own_groups() if together else self.settings.groups
        parts = groups * (world_size() if together else 1)
        order = None
        if self.training and parts > 1:
            images = gather(images) if together else images
            order = torch.randperm(len(images), device=images.device)
            if together:
                order = from_first(order)
            images = own_part(images[order]) if together else images[order]
        keys = self.teacher_projection(self._features(self.teacher, images, groups))
        keys = gather(keys) if together else keys
        if order is not None:
            keys = keys[order.argsort()]
        return F.normalize(keys.to(self.queue.dtype), dim=1)

    def _own_groups(self) -> int:
        """The groups of one process's share of a batch."""
        groups, processes = self.settings.groups, world_size()
        if groups % processes and processes % groups:
            raise SettingsError(
                f"objective.groups is {groups}, which {processes} devices cannot share; make one a "
                "multiple of the other (resources.<stage>.gpus)"
            )
        return max(1, groups // processes)

    def _features(self, network: nn.Module, x: Tensor, groups: int) -> Tensor:
        if not self.training or groups == 1:
            return network(x)
        if len(x) < 2 * groups:
            raise SettingsError(
                f"objective.groups is {groups}, but a batch has {len(x)} images; "
                "a group needs at least 2 for its batch norm statistics"
            )
        return torch.cat([network(part) for part in x.tensor_split(groups)])


def _head(settings: MoCo, features: int) -> nn.Module:
    if settings.head == "linear":
        return nn.Linear(features, settings.projection)
    if settings.head == "mlp":
        hidden = settings.hidden or features
        return nn.Sequential(
            nn.Linear(features, hidden),
            nn.ReLU(inplace=True),
            nn.Linear(hidden, settings.projection),
        )
    raise SettingsError(f"objective.head is {settings.head!r}; available: linear, mlp")


def _parameters(network: nn.Module) -> list[nn.Parameter]:
    """What the teacher averages; of a weight-sharing network only the current sub-network."""
    if isinstance(network, FeatureNetwork):
        return network.active_parameters()
    return list(network.parameters())
