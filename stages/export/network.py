"""The network of a finished run, put together again from its own folder."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from nassl.data.images import open_images
from nassl.data.views import centre
from nassl.files import InputError
from nassl.loading import Loaded, load
from nassl.model.facts import GENOTYPE, MODEL, WEIGHTS
from stages.export.pixels import preprocessing

STAGES = ("pretrain", "retrain")
CHECKED = 5  # images on which a file is compared with the original


class FromPixels(nn.Module):
    """What is left of the normalisation after `kind` (`pixels.KINDS`), network and, if there is
    one, classifier: pixels (B, 3, S, S) to features or logits (B, F)."""

    def __init__(self, loaded: Loaded, kind: str) -> None:
        super().__init__()
        self.kind = kind
        parts = (loaded.network, loaded.classifier)
        self.network = nn.Sequential(*(part for part in parts if part is not None))
        for name in ("mean", "deviation"):
            values = torch.tensor(getattr(loaded.facts.input, name), dtype=torch.float32)
            self.register_buffer(name, values.view(1, 3, 1, 1))

    def forward(self, pixels: Tensor) -> Tensor:
        if self.kind == "normalised":
            return self.network(pixels)
        if self.kind == "uint8":
            pixels = pixels.to(torch.float32) / 255
        return self.network((pixels - self.mean) / self.deviation)

    def given(self, pixels: Tensor) -> Tensor:
        """uint8 pixels (B, 3, S, S) as a caller has to give them."""
        if self.kind == "uint8":
            return pixels
        unit = pixels.float() / 255
        return unit if self.kind == "unit" else (unit - self.mean) / self.deviation


@dataclass(frozen=True)
class TrainedNetwork:
    """`module` is in eval mode on the CPU; `images` (N, 3, crop, crop) are some of its data, as it
    takes them."""

    run: str
    module: FromPixels
    images: Tensor
    width: int
    output: str  # features | logits
    notes: dict[str, str]  # what a file contains besides the network


def read_network(name: str, results: Path, kind: str = "uint8") -> TrainedNetwork:
    """The network of run `name` (see __main__) for pixels of `kind`. Raises InputError."""
    folder = _found(name, results)
    loaded = load(folder)
    facts, width = loaded.facts, loaded.network.feature_dim
    images = open_images(results / "prepare" / facts.data.name / "images", "label-free")
    notes = {
        "run": facts.run,
        "preprocessing": json.dumps(preprocessing(facts.input, kind)),
        "genotype": (folder / GENOTYPE).read_text(),
        "model": (folder / MODEL).read_text(),
    }
    if facts.classes is not None:
        width, notes["classes"] = len(facts.classes), json.dumps(facts.classes)
    module = FromPixels(loaded, kind).eval().requires_grad_(False)
    pixels = centre(images.batch(range(min(CHECKED, len(images)))), facts.input.crop)
    output = "features" if facts.classes is None else "logits"
    return TrainedNetwork(facts.run, module, module.given(pixels), width, output, notes)


def _found(name: str, results: Path) -> Path:
    """The folder of `best`, `<stage>/<run>` or `<run>`."""
    if name == "best":
        folder = results / "tables" / "best"
        if not folder.exists():
            raise InputError(
                f"{folder} is missing; a plan for your own images (paper=own) makes it. "
                "Name a run: pretrain/<run> or retrain/<run>"
            )
        return folder
    stage, _, run = name.rpartition("/")
    there = [s for s in STAGES if (results / s / run / WEIGHTS).exists()]
    chosen = [s for s in there if stage in ("", s)]
    if len(chosen) == 1:
        return results / chosen[0] / run
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
