"""SimCLR pretraining, data included, against the same written with lightly and a DataLoader.

Claims (lightly / ours, wall time of an epoch):
  simclr_epoch_resnet18          ResNet-18 with the small stem; lightly's side trains torchvision's
                                 ResNet-18 in torch's default layout
  simclr_epoch_resnet18_workers  the same, lightly's DataLoader with two worker processes
  simclr_epoch_resnet18_narrow   16 channels instead of 64, as the toy plan has it, and the same
                                 module on both sides: what data, loss and loop alone make of it

Ours is the stages' own training (`fit`: batches, views, objective, deterministic kernels, curves,
checkpoint). The other side is what lightly's SimCLR example does: SimCLRTransform on every Pillow
image, a forward pass per view, NTXentLoss. Weights, projection head, optimizer and batch size are
the same. Images are 32x32 noise: neither side's time depends on what they show.

Example: `python -m benchmarks.pretrain simclr_epoch_resnet18_narrow` (half a minute).
"""

from __future__ import annotations

import contextlib
import io
import tempfile
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import numpy as np
import torch
from torch import nn

from benchmarks.measure import command, compare, interleaved, matmul_peak
from benchmarks.prepared import prepared_images
from benchmarks.views import lightly_transform, simclr_views
from nassl.data.images import Images
from nassl.networks.resnet import ResNet
from nassl.networks.size import flops
from nassl.objectives.simclr import SimCLRObjective
from nassl.settings import Network, Recipe, SimCLR
from nassl.training.checkpoint import Checkpoints
from nassl.training.discrete import fit, initial_objective
from stages.training.curves import WrittenCurves

SIDE, BATCH, RATE, DECAY, TEMPERATURE = 32, 64, 0.06, 5e-4, 0.5
RECIPE = Recipe(1, BATCH, "sgd", RATE, "constant", DECAY, momentum=0.9)
SETTINGS = SimCLR("simclr", TEMPERATURE, 0, 128, simclr_views())


def our_epoch(
    network: nn.Module, objective: SimCLRObjective, images: Images, folder: Path
) -> Callable[[], None]:
    def epoch() -> None:
        torch.use_deterministic_algorithms(True)
        torch.utils.deterministic.fill_uninitialized_memory = False
        everything, curves = np.arange(len(images)), WrittenCurves(folder / "curves")
        with (
            Checkpoints(folder / "checkpoints", "benchmark") as checkpoints,
            contextlib.redirect_stderr(io.StringIO()),
        ):
            fit(
                network, objective, images, None, everything, RECIPE, 0,
                checkpoints.part(), curves, "epoch",
            )  # fmt: skip
        torch.use_deterministic_algorithms(False)

    return epoch


class Pictures(torch.utils.data.Dataset):
    """A Pillow image made from an array in memory whenever asked for, as torchvision.datasets do;
    gives its two views."""

    def __init__(self, array: np.ndarray, transform: Callable) -> None:
        self.array, self.transform = array, transform

    def __len__(self) -> int:
        return len(self.array)

    def __getitem__(self, index: int) -> list[torch.Tensor]:
        from PIL import Image

        return self.transform(Image.fromarray(self.array[index]))


def lightly_epoch(
    network: nn.Module, head: nn.Module, array: np.ndarray, workers: int
) -> Callable[[], None]:
    """Raises ImportError without lightly."""
    from lightly.loss import NTXentLoss

    model, criterion = nn.Sequential(network, head), NTXentLoss(TEMPERATURE)
    data = Pictures(array, lightly_transform(SIDE))
    loader = torch.utils.data.DataLoader(
        data, BATCH, shuffle=True, drop_last=True, num_workers=workers
    )
    optimizer = torch.optim.SGD(model.parameters(), RATE, momentum=0.9, weight_decay=DECAY)

    def epoch() -> None:
        model.train()
        total = 0.0
        for first, second in loader:
            loss = criterion(model(first), model(second))
            total += loss.detach()
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
        float(total)

    return epoch


def torchvision_like(network: ResNet) -> nn.Module:
    """torchvision's ResNet-18 with the small stem, without classifier, with the same weights."""
    from torchvision.models import resnet18

    made = resnet18()
    made.conv1 = nn.Conv2d(3, 64, 3, 1, 1, bias=False)
    made.maxpool, made.fc = nn.Identity(), nn.Identity()
    made.load_state_dict(network.state_dict())
    return made


def _epochs(claim: str, channels: int, count: int, workers: tuple[int, ...], rounds: int) -> None:
    torch.manual_seed(0)
    network = ResNet(18, Network("cifar", channels, 0))
    theirs = torchvision_like(network) if channels == 64 else deepcopy(network)
    with tempfile.TemporaryDirectory() as name:
        images = prepared_images(Path(name) / "images", {"train": count}, SIDE)["train"]
        objective = initial_objective(SETTINGS, network, images, count, 0)
        head = deepcopy(objective.projection)
        pixels = images.batch(np.arange(count)).permute(0, 2, 3, 1).contiguous().numpy()
        epochs = {"ours": our_epoch(network, objective, images, Path(name))}
        for number in workers:
            epochs[str(number)] = lightly_epoch(theirs, head, pixels, number)
        timings = interleaved(epochs, rounds)
    # Two views of an image; forward, and gradients of features and of weights.
    work = 2 * 3 * flops(nn.Sequential(network, objective.projection), SIDE) * 2 * count
    note = f"{count // BATCH} steps of {BATCH} images"
    for number in workers:
        compare(
            claim + ("_workers" if number else ""),
            timings["ours"],
            timings[str(number)],
            work,
            matmul_peak(),
            ("lightly", "torchvision"),
            note=note,
        )


def simclr_epoch_resnet18(rounds: int) -> None:
    """Together with the claim about workers, because ours is the same."""
    _epochs("simclr_epoch_resnet18", 64, 2 * BATCH, (0, 2), rounds)


def simclr_epoch_resnet18_narrow(rounds: int) -> None:
    _epochs("simclr_epoch_resnet18_narrow", 16, 4 * BATCH, (0,), rounds + 2)


CLAIMS = {f.__name__: f for f in (simclr_epoch_resnet18, simclr_epoch_resnet18_narrow)}


if __name__ == "__main__":
    command(__doc__, CLAIMS, rounds=3)
