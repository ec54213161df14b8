"""A trained network from its folder, with all that it takes to use it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from nassl.files import InputError
from nassl.genotypes import Genotype, read_genotype
from nassl.manifest import file_hash
from nassl.model.facts import GENOTYPE, MODEL, WEIGHTS, Facts, read_facts
from nassl.networks.build import build_network
from nassl.networks.network import FeatureNetwork
from nassl.preprocessing import Preprocess
from nassl.settings import SettingsError
from nassl.training.weights import load_weights


@dataclass(frozen=True)
class Loaded:
    """`network`, in eval mode on the CPU: (N, 3, S, S), as `preprocess` gives it, to features
    (N, `network.feature_dim`). `classifier`: features to logits (N, classes) of `facts.classes`;
    None for a network trained without labels."""

    network: FeatureNetwork
    classifier: nn.Module | None
    preprocess: Preprocess
    genotype: Genotype
    facts: Facts


def load(folder: str | os.PathLike[str]) -> Loaded:
    """The trained network in `folder`: one that the stage pretrain or retrain wrote, the report's
    best/, or a copy of one; genotype.json, model.json and weights.safetensors are all that is read.

    Torch's random numbers are left as they are. Raises InputError if a file is missing, damaged,
    or not the one that model.json was written for.
    """
    folder = Path(folder)
    facts = read_facts(folder)
    for name, expected in facts.files.items():
        _check(folder / name, expected)
    genotype = read_genotype(folder / GENOTYPE)
    with torch.random.fork_rng(devices=[]):
        try:
            network = build_network(genotype, facts.network, facts.input.crop)
        except SettingsError as error:
            raise InputError(
                f"{folder / MODEL}: network does not fit {GENOTYPE} beside it: {error}; run the "
                "stage that wrote it again, or get the folder again"
            ) from error
        classifier = None
        if facts.classes is not None:
            classifier = nn.Linear(network.feature_dim, len(facts.classes))
    if classifier is None:
        load_weights(folder / WEIGHTS, network)
    else:
        parts = {"network": network, "classifier": classifier.eval()}
        load_weights(folder / WEIGHTS, nn.ModuleDict(parts))
    return Loaded(network.eval(), classifier, Preprocess(facts.input), genotype, facts)


def _check(file: Path, expected: str) -> None:
    if not file.is_file():
        raise InputError(
            f"{file} is missing; {MODEL} beside it needs it: get the whole folder, or run the "
            "stage that wrote it again"
        )
    if (found := file_hash(file)) != expected:
        raise InputError(
            f"{file} is not the file that {MODEL} beside it was written for: its sha256 is "
            f"{found}, {MODEL} says {expected}; get the whole folder again, or run the stage that "
            "wrote it again"
        )
