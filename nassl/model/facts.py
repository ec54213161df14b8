"""model.json: all that it takes to use the weights beside it, typed and checked on reading.

Imports no torch. A file of another format, with a key too many or too few, or with a value that is
not allowed is refused: it would be applied to images in a way that its network was not trained for.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nassl.files import InputError, read_json
from nassl.model.schema import (
    Check,
    check_keys,
    class_names,
    counts,
    deviations,
    digest,
    exactly,
    means,
    one_of,
    text,
    whole,
)
from nassl.settings import Network

MODEL, GENOTYPE, WEIGHTS = "model.json", "genotype.json", "weights.safetensors"
FORMAT = 1  # a higher one when the keys or their meaning change
LICENCE = "Apache-2.0"  # of the code
TRAINED_BY = ("pretrain", "retrain")

# How the pipeline brings any image to its input; the same for every network.
PIXELS = {
    "range": [0, 1],  # before mean and deviation
    "channel_order": "RGB",
    "exif": "turned upright",  # as the EXIF orientation says, before resizing
    "resize": "shorter side to `side`, then the centre square",
    "interpolation": "bicubic, antialiased",
}
SCHEMA: dict[str, Any] = {
    "format": exactly(FORMAT),
    "run": Check("pretrain/<run> or retrain/<run>", lambda value: _stage(value) in TRAINED_BY),
    "files": {GENOTYPE: digest, WEIGHTS: digest},
    "network": {"stem": one_of("cifar", "imagenet"), "channels": whole(0), "cells": whole(0)},
    "input": {
        "side": whole(1),
        "crop": whole(1),
        "mean": means,
        "deviation": deviations,
        **{key: exactly(value) for key, value in PIXELS.items()},
    },
    "classes": class_names,
    "data": {"name": text, "kind": text, "counts": counts},
    "plan_sha256": digest,
    "nassl": text,
    "licence": exactly(LICENCE),
}


@dataclass(frozen=True)
class Input:
    """Images are turned upright, made RGB, resized (bicubic, antialiased) so that the shorter side
    has `side` pixels, and cut to the centre square; its middle `crop` x `crop` pixels, in 0 to 1,
    are normalised by `mean` and `deviation` per channel."""

    side: int
    crop: int
    mean: tuple[float, float, float]
    deviation: tuple[float, float, float]


@dataclass(frozen=True)
class TrainingData:
    """The prepared data set: its name in the plan, its kind, and how many images a part has."""

    name: str
    kind: str
    counts: dict[str, int]


@dataclass(frozen=True)
class Facts:
    """What model.json says. `classes` are the names of the logits in their order, None for a
    network trained without labels; `files` maps a file's name to its sha256 (hexadecimal)."""

    run: str
    files: dict[str, str]
    network: Network
    input: Input
    classes: tuple[str, ...] | None
    data: TrainingData
    plan_sha256: str  # of the run's line and sections
    nassl: str  # the version that wrote the file
    licence: str


def read_facts(folder: Path) -> Facts:
    """The facts in `folder`. Raises InputError if model.json is missing or is not one, naming the
    key, what was found, what is allowed and what to do."""
    file = folder / MODEL
    if not folder.is_dir():
        raise InputError(
            f"{folder} is {'a file' if folder.exists() else 'missing'}; give the folder of a "
            f"trained network: one with {MODEL}, {GENOTYPE} and {WEIGHTS}"
        )
    if not file.exists():
        there = ", ".join(sorted(path.name for path in folder.iterdir())[:10])
        raise InputError(
            f"{folder} has no {MODEL}, so it is not the folder of a trained network; it has: "
            f"{there or 'nothing'}; give one that pretrain or retrain wrote, or the report's best/"
        )
    return validate(read_json(file), str(file))


def validate(content: Any, where: str) -> Facts:
    """The facts that JSON `content` states; `where` names its file in messages. Raises InputError
    as `read_facts` does."""
    if isinstance(content, dict) and content.get("format", FORMAT) != FORMAT:
        raise InputError(
            f"{where}: format is {content['format']!r}; allowed: {FORMAT}; this version of nassl "
            "does not know another: use the version that wrote it, named by the key 'nassl'"
        )
    check_keys(content, SCHEMA, where)
    seen, classes = content["input"], content["classes"]
    if seen["crop"] > seen["side"]:
        raise InputError(
            f"{where}: input.crop is {seen['crop']}; allowed: 1 to input.side, {seen['side']}; "
            "run the stage that wrote it again"
        )
    if (classes is None) != (_stage(content["run"]) == "pretrain"):
        raise InputError(
            f"{where}: classes is {'null' if classes is None else 'a list'} and run is "
            f"{content['run']!r}; allowed: null for a pretrain run, names for a retrain run; run "
            "the stage that wrote it again"
        )
    return Facts(
        run=content["run"],
        files=dict(content["files"]),
        network=Network(**content["network"]),
        input=Input(seen["side"], seen["crop"], tuple(seen["mean"]), tuple(seen["deviation"])),
        classes=None if classes is None else tuple(classes),
        data=TrainingData(**content["data"]),
        plan_sha256=content["plan_sha256"],
        nassl=content["nassl"],
        licence=content["licence"],
    )


def _stage(run: Any) -> str | None:
    """The stage of `<stage>/<run>`, None for anything else."""
    stage, slash, name = run.partition("/") if isinstance(run, str) else ("", "", "")
    return stage if slash and name else None
