"""What a GPU reaches of its data sheet, per kind of network and precision: from measured rows where
`make gpu` has written them, otherwise from the literature."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

from nassl.settings import SPACES, CellSpace, FixedSpace, Network, Views
from stages.plan.estimate.rates import Rates
from stages.plan.estimate.work import Counted, Work, network_work, supernet_work, views_work

RESULTS = Path(__file__).parents[3] / "benchmarks" / "results-cuda.json"
CALL = 1e-5  # seconds that PyTorch usually needs to start a kernel
# Peak of float32 multiplications with tensor cores off (TFLOP/s) and memory bandwidth (TB/s), from
# the vendors' data sheets.
SHEETS = {
    "V100": (15.7, 0.9),
    "A100": (19.5, 1.55),
    "H100": (67.0, 3.35),
    "RTX3090": (35.6, 0.94),
    "RTX4090": (82.6, 1.01),
}
# Share of both that is reached. MoCo's authors pretrained ResNet-50 for 200 epochs of ImageNet in
# 53 hours on 8 V100s (github.com/facebookresearch/moco, README): the arithmetic and traffic counted
# here would take 267 of these 424 hours at the full data sheet.
LARGE = 0.64
SMALL = 0.3  # assumed: depthwise convolutions and the few channels of a cell
KINDS = {name: SMALL if space.of_cells else LARGE for name, space in SPACES.items()}
KINDS["supernet"] = SMALL

SUPERNET = CellSpace("cell", 16, 8, "cifar")
SIMCLR = Views("resized", jitter=0.8, grayscale=0.2, blur=0.5)
MOCO = Views("resized", size=224, jitter=0.8, grayscale=0.2, blur=0.5)


def gpu_rates(gpu: str, kind: str, precision: str = "float32", results: Path = RESULTS) -> Rates:
    """The rates of a kind of network (KINDS) on a GPU of SHEETS."""
    share = shares(results).get((kind, precision), KINDS[kind])
    flops, bandwidth = SHEETS[gpu]
    return Rates(flops * 1e12 * share, bandwidth * 1e12 * share, CALL)


@cache
def shares(results: Path = RESULTS) -> dict[tuple[str, str], float]:
    """(kind, precision) -> what the measured card reached of its float32 data sheet, beyond 1 where
    a lower precision or a graph does better; empty without measurements on a known card."""
    if not results.exists():
        return {}
    found = json.loads(results.read_text())
    gpu = next((name for name in SHEETS if name in found["machine"]["card"].replace(" ", "")), "")
    if not gpu:
        return {}
    flops, bandwidth = (1e12 * value for value in SHEETS[gpu])
    made = {}
    for row in found["rows"]:
        if row.get("how") != "graph" or row["row"] not in STEPS:
            continue
        kind, work = STEPS[row["row"]]
        done = work()
        ideal = done.flops / flops + done.bytes / bandwidth
        made[kind, row["precision"]] = ideal / row["seconds"]
    return made


def _step(network: Counted, passes: float, views: Work) -> Work:
    return network.forward * passes + network.update + views


# The steps of benchmarks/cuda.py: kind, and the work of one.
STEPS: dict[str, tuple[str, Callable[[], Work]]] = {
    "search_iteration": (  # of alpha 2 passes, of the weights 3 (Darts.step_cost)
        "supernet",
        lambda: _step(
            supernet_work(SUPERNET, 128, 32),
            5,
            views_work(SIMCLR, 128, 32) * 2,
        ),
    ),
    "retrain_step": (
        "cell",
        lambda: _step(network_work(SUPERNET, Network("cifar", 36, 20), 96, 32), 3, Work()),
    ),
    "moco_step": (
        "resnet",
        lambda: _step(
            network_work(FixedSpace("resnet", 50), Network("imagenet", 64), 256, 224),
            4,
            views_work(MOCO, 512, 224),
        ),
    ),
}


def describe(gpu: str, results: Path = RESULTS) -> str:
    """Where the rates come from, for a person."""
    flops, bandwidth = SHEETS[gpu]
    sheet = f"{gpu}: of its data sheet's {flops:.1f} TFLOP/s and {bandwidth:.1f} TB/s"
    if measured := shares(results):
        listed = ", ".join(
            f"{share:.0%} ({kind}, {precision})" for (kind, precision), share in measured.items()
        )
        return f"{sheet} {listed}, measured (benchmarks/{results.name})"
    return (
        f"{sheet} {LARGE:.0%} in ResNets and chains of blocks (from MoCo's 53 hours on 8 V100s), "
        f"{SMALL:.0%} in cells (assumed)"
    )
