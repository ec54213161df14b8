"""The network of a finished run, put together again from its genotype, settings and weights."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from nassl.data.images import class_names, open_images
from nassl.files import InputError, read_json
from nassl.genotypes import read_genotype
from nassl.networks.build import build_network
from nassl.training.weights import load_weights
from stages.runs.run import read_run

STAGES = ("pretrain", "retrain")
CHECKED = 5  # images on which a file is compared with the original


class FromPixels(nn.Module):
    """Normalisation, network and, if there is one, classifier: pixels (B, 3, S, S) in 0 to 1 to
    features or logits (B, F)."""

    def __init__(self, network: nn.Module, mean: Tensor, std: Tensor) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("mean", mean.view(1, 3, 1, 1))
        self.register_buffer("std", std.view(1, 3, 1, 1))

    def forward(self, pixels: Tensor) -> Tensor:
        return self.network((pixels - self.mean) / self.std)


@dataclass(frozen=True)
class TrainedNetwork:
    """`module` is in eval mode on the CPU; `images` (N, 3, side, side) are some of its data."""

    run: str
    module: FromPixels
    images: Tensor
    side: int
    width: int
    output: str  # features | logits
    notes: dict[str, str]  # what a file contains besides the network


def read_network(name: str, results: Path) -> TrainedNetwork:
    """The network of run `name` (see __main__). Raises InputError, SettingsError."""
    stage, name = _found(name, results)
    folder = results / stage / name
    run = read_run(stage, name)
    prepared = results / "prepare" / run.line.data
    images = open_images(prepared / "images", "label-free")
    genotype = read_genotype(folder / "genotype.json")
    side = run.settings["objective"].views.size or images.side
    network = build_network(genotype, run.settings["network"], side)
    notes = {"run": f"{stage}/{name}", "genotype": (folder / "genotype.json").read_text()}
    width = network.feature_dim
    if stage == "pretrain":
        load_weights(folder / "weights.safetensors", network)
    else:
        names = class_names(prepared / "labels")
        width, notes["classes"] = len(names), json.dumps(names)
        parts = {"network": network, "classifier": nn.Linear(network.feature_dim, width)}
        load_weights(folder / "weights.safetensors", nn.ModuleDict(parts))
        network = nn.Sequential(*parts.values())
    module = FromPixels(network, images.mean, images.std).eval().requires_grad_(False)
    pixels = images.batch(range(min(CHECKED, len(images)))).float() / 255
    if side != images.side:
        pixels = nn.functional.interpolate(pixels, size=(side, side), mode="bilinear")
    return TrainedNetwork(
        f"{stage}/{name}", module, pixels.contiguous(), side, width,
        "features" if stage == "pretrain" else "logits", notes,
    )  # fmt: skip


def _found(name: str, results: Path) -> tuple[str, str]:
    """(stage, run) of `best`, `<stage>/<run>` or `<run>`."""
    if name == "best":
        file = results / "tables" / "best" / "network.json"
        if not file.exists():
            raise InputError(
                f"{file} is missing; a plan for your own images (paper=own) makes it. "
                "Name a run: pretrain/<run> or retrain/<run>"
            )
        name = read_json(file)["run"]
    stage, _, run = name.rpartition("/")
    there = [s for s in STAGES if (results / s / run / "weights.safetensors").exists()]
    chosen = [s for s in there if stage in ("", s)]
    if len(chosen) == 1:
        return chosen[0], run
    if chosen:
        raise InputError(
            f"{run!r} is a run of {' and of '.join(chosen)}; name one: "
            f"{' or '.join(f'{s}/{run}' for s in chosen)}"
        )
    made = sorted(
        f"{s}/{path.parent.name}" for s in STAGES for path in results.glob(f"{s}/*/*.safetensors")
    )
    raise InputError(
        f"{results} has no trained network {name!r}; it has: "
        f"{', '.join(dict.fromkeys(made)) or 'none'}"
    )


@torch.no_grad()
def outputs(network: TrainedNetwork) -> Tensor:
    """The original network's outputs for its images, (N, width)."""
    return network.module(network.images)
