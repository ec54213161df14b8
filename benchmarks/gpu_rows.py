"""What `benchmarks/cuda.py` measures besides searches: trainings, views, layouts, a detector, and
a real search on CIFAR-10."""

from __future__ import annotations

import copy
import math
import os
import time
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.gpu_steps import (
    Noise,
    Search,
    Sizes,
    Timed,
    as_others_do,
    graphs,
    moco_views,
    resnet,
    seconds_of,
    training,
)
from benchmarks.views import MEAN, STD, simclr_views
from nassl.data.views import RandomViews
from nassl.genotypes.resnet import ResNetGenotype
from nassl.objectives.simclr import nt_xent, similarities
from nassl.parallel.precision import autocast, products
from nassl.settings import Detection, Network

CIFAR = Path(os.environ.get("NASSL_CIFAR10", "../shared/data/cifar10-images.zip"))
Row = dict[str, Any]
# MoCo's detector on VOC (workflow/config/detection/voc-c4.yaml), two images on a device.
DETECTION = Detection(
    "faster-rcnn-c4", 8, 1, 16, 0.02, 100, [50], 10, 0.9, 1e-4, [800], 800, 1333,
    [32, 64, 128, 256, 512], [0.5, 1.0, 2.0], 256, [12000, 2000], [6000, 1000], 512, 14, 0,
)  # fmt: skip


@dataclass
class Bench:
    device: torch.device
    sizes: Sizes
    left: Callable[[], float]  # seconds

    def seconds(self, step: Callable[[], object]) -> float:
        return seconds_of(step, self.device, self.sizes)


def trainings(bench: Bench) -> list[Row]:
    """A step of retraining, SimCLR, MoCo and an evolution; as graphs and call by call."""
    rows = []
    for kind in ("retrain", "simclr", "moco", "evolution"):
        for precision in ("float32", "tf32", "bfloat16"):
            for on in (False, True) if precision == "float32" else (True,):
                with graphs(on):
                    seconds, batch = training(kind, bench.sizes, bench.device, precision)
                how = "graph" if on else "eager"
                rows.append(row(f"{kind}_step", seconds, precision, how, images=batch / seconds))
    return rows


def literal_simclr(bench: Bench) -> list[Row]:
    """What lightly's loop computes, with our views: torchvision's ResNet-18, a pass per view."""
    from torchvision.models import resnet18

    network = resnet18()
    network.conv1 = nn.Conv2d(3, 64, 3, 1, 1, bias=False)
    network.maxpool, network.fc = nn.Identity(), nn.Identity()
    head = nn.Sequential(nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 128))
    model = nn.Sequential(network, head).to(bench.device).train()
    images = Noise(bench.sizes.batch, 32)
    views = RandomViews(simclr_views(), images.mean, images.std)
    optimizer = torch.optim.SGD(model.parameters(), 0.03, momentum=0.9, weight_decay=1e-4)
    given = images.resident(bench.device).permute(0, 3, 1, 2)

    def step() -> None:
        optimizer.zero_grad()
        z = torch.cat([model(views(given)), model(views(given))])
        nt_xent(similarities(z), 0.5).mean().backward()
        optimizer.step()

    with as_others_do():
        seconds = bench.seconds(step)
    return [row("simclr_step", seconds, "float32", "literal", images=len(given) / seconds)]


def literal_moco(bench: Bench) -> list[Row]:
    """MoCo v2's own step on one device: torchvision's ResNet-50, its teacher, its queue."""
    (batch, side), rows = bench.sizes.moco, []
    student = nn.Sequential(resnet(50, bench.sizes, "imagenet"), nn.Flatten())
    width = student[0].feature_dim
    student.append(nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 128)))
    student = student.to(bench.device).train()
    teacher = copy.deepcopy(student).requires_grad_(False)
    queue = F.normalize(torch.randn(128, 65536, device=bench.device), dim=0)
    optimizer = torch.optim.SGD(student.parameters(), 0.03, momentum=0.9, weight_decay=1e-4)
    images = Noise(batch, side)
    views = RandomViews(moco_views(side), images.mean, images.std)
    given = images.resident(bench.device).permute(0, 3, 1, 2)
    pointer = 0

    def step(precision: str) -> None:
        nonlocal pointer
        with torch.no_grad():
            for mine, other in zip(teacher.parameters(), student.parameters(), strict=True):
                mine.mul_(0.999).add_(other, alpha=0.001)
        with products(precision):
            with autocast(precision, bench.device):
                q = F.normalize(student(views(given)), dim=1).float()
                with torch.no_grad():
                    k = F.normalize(teacher(views(given)), dim=1).float()
            logits = torch.cat([(q * k).sum(1, keepdim=True), q @ queue], 1) / 0.2
            target = torch.zeros(len(q), dtype=torch.long, device=bench.device)
            optimizer.zero_grad()
            F.cross_entropy(logits, target).backward()
        optimizer.step()
        queue[:, pointer : pointer + len(k)] = k.T
        pointer = (pointer + len(k)) % (queue.shape[1] - len(k))

    with as_others_do():
        for precision in ("float32", "tf32", "bfloat16"):
            seconds = bench.seconds(lambda p=precision: step(p))
            rows.append(row("moco_step", seconds, precision, "literal", images=batch / seconds))
    return rows


def views(bench: Bench) -> list[Row]:
    rows = []
    for name, settings, side, count in (
        ("views_32", simclr_views(), 32, 2 * bench.sizes.batch),
        ("views_224", moco_views(bench.sizes.moco[1]), bench.sizes.moco[1], bench.sizes.moco[0]),
    ):
        images = Noise(count, side)
        make = RandomViews(settings, images.mean, images.std)
        given = images.resident(bench.device).permute(0, 3, 1, 2)
        seconds = bench.seconds(lambda m=make, g=given: m(g))
        rows.append(row(name, seconds, "float32", "eager", images=count / seconds))
    return rows


def layouts(bench: Bench) -> list[Row]:
    """Depthwise and grouped pointwise convolutions, forward and backward, in both layouts, and the
    pointwise product as a batched matrix product: what `together.py` takes for granted."""
    rows, c, b = [], bench.sizes.channels, 2 * bench.sizes.batch
    for scale in (1, 2, 4):
        side, channels = 32 // scale, 8 * c * scale  # 8 edges
        each = c * scale
        pointwise = torch.randn(channels, each, 1, 1, device=bench.device, requires_grad=True)
        cases: dict[str, tuple[Tensor, Callable[[Tensor, Tensor], Tensor]]] = {}
        for k, dilation in ((3, 1), (5, 1), (3, 2), (5, 2)):
            weight = torch.randn(channels, 1, k, k, device=bench.device, requires_grad=True)
            cases[f"depthwise {k}x{k} dilation {dilation}"] = (
                weight,
                lambda x, w, d=dilation: F.conv2d(x, w, None, 1, d * (w.shape[-1] // 2), d, len(w)),
            )
        cases["pointwise as convolution"] = (
            pointwise, lambda x, w: F.conv2d(x, w, groups=8),
        )  # fmt: skip
        cases["pointwise as product"] = (
            pointwise,
            lambda x, w, n=each: w.view(8, n, n) @ x.reshape(b, 8, n, -1),
        )
        for name, (weight, call) in cases.items():
            for layout in (torch.contiguous_format, torch.channels_last):
                x = torch.randn(b, channels, side, side, device=bench.device)
                x = x.contiguous(memory_format=layout).requires_grad_()
                w = weight.detach().contiguous(memory_format=layout).requires_grad_()
                gradient = torch.ones_like(call(x, w))
                seconds = bench.seconds(
                    lambda x=x, w=w, f=call, g=gradient: torch.autograd.grad(f(x, w), (x, w), g)
                )
                label = "channels_last" if layout == torch.channels_last else "contiguous"
                rows.append(row(f"{name}, {channels} channels, side {side}", seconds, how=label))
    return rows


def detector(bench: Bench) -> list[Row]:
    """A step of a Faster R-CNN C4 with two images, and its peak memory."""
    from stages.transfer.compatibility import prepare_detectron2

    prepare_detectron2()
    from detectron2.structures import Boxes, Instances
    from detectron2.utils.events import EventStorage

    from stages.transfer.config import Sets, detectron2_config
    from stages.transfer.detector import build_detector

    genotype = ResNetGenotype(50)
    network = Network("imagenet", bench.sizes.width)
    cfg = detectron2_config(
        DETECTION, genotype, network, Sets("a", "b", 20), MEAN, STD, str(bench.device)
    )
    model = build_detector(cfg).train()
    height, width = bench.sizes.detector
    batch = []
    for seed in range(2):
        random = torch.Generator().manual_seed(seed)
        pixels = torch.randint(0, 256, (3, height, width), dtype=torch.uint8, generator=random)
        corners = torch.rand(8, 2, generator=random) * torch.tensor([width, height]) / 2
        boxes = torch.cat([corners, corners + torch.tensor([width, height]) / 3], 1)
        truth = Instances((height, width), gt_boxes=Boxes(boxes), gt_classes=torch.arange(8))
        batch.append({"image": pixels, "instances": truth, "height": height, "width": width})
    optimizer = torch.optim.SGD(model.parameters(), 1e-4, momentum=0.9)

    def step() -> None:
        with EventStorage():
            loss = sum(model(batch).values())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    if bench.device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    seconds = bench.seconds(step)
    peak = torch.cuda.max_memory_allocated() if bench.device.type == "cuda" else 0
    return [row("detector_step", seconds, how="eager", peak_bytes=peak)]


def features(bench: Bench) -> list[Row]:
    """What a linear probe costs: ResNet-50 in eval mode."""
    network = resnet(50, bench.sizes, "imagenet").to(bench.device).eval()
    batch, side = bench.sizes.moco
    x = torch.randn(batch, 3, side, side, device=bench.device)
    with torch.no_grad():
        seconds = bench.seconds(lambda: network(x))
    return [row("probe_features", seconds, how="eager", images=batch / seconds)]


def real_search(bench: Bench) -> list[Row]:
    """SSNAS on CIFAR-10 at the paper's setting, as many whole epochs as time allows, at most 50."""
    if not CIFAR.exists() and bench.device.type == "cuda":
        return [{"row": "search_cifar10", "not measured": f"{CIFAR} is missing"}]
    search = Search.made(bench.sizes, bench.device)
    if CIFAR.exists() and bench.device.type == "cuda":
        search.images.pixels = cifar_pixels(CIFAR)
        search.images.count, search.images._there = len(search.images.pixels), None
        halves = np.split(np.arange(search.images.count), 2)
        search.batches = [
            Timed(search.images, None, half, bench.sizes.batch, 0, device=bench.device)
            for half in halves
        ]
    epochs, start = [], time.perf_counter()
    while len(epochs) < 50 and (not epochs or bench.left() > 1.3 * max(epochs[-1])):
        begun = time.perf_counter()
        search.seconds("float32", 1, bench.sizes)
        epochs.append([time.perf_counter() - begun])
    each = min(e[0] for e in epochs)
    made = row("search_cifar10", each, "float32", "graph", epochs=len(epochs))
    return [made | {"seconds_of_50_epochs": 50 * each, "measured": time.perf_counter() - start}]


def cifar_pixels(file: Path) -> np.ndarray:
    """uint8 (N, 32, 32, 3) of the training images."""
    from PIL import Image

    with zipfile.ZipFile(file) as archive:
        names = sorted(n for n in archive.namelist() if "train/" in n and n.endswith(".jpg"))
        contents = [archive.read(name) for name in names]

    def decoded(content: bytes) -> np.ndarray:
        import io

        return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))

    with ThreadPoolExecutor() as pool:
        return np.stack(list(pool.map(decoded, contents)))


def row(name: str, seconds: float, precision: str = "float32", how: str = "", **more: Any) -> Row:
    """One measurement; `images` are images a second."""
    if not math.isfinite(seconds):
        raise ValueError(f"{name}: {seconds} seconds")
    return {"row": name, "precision": precision, "how": how, "seconds": seconds, **more}
