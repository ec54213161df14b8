"""The results of a plan for own images, made by hand: 3 networks, accuracies per seed as given."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import yaml

from nassl.genotypes import write_genotype
from nassl.genotypes.cell import random_genotype
from nassl.genotypes.resnet import ResNetGenotype
from stages.report.numbers.own import NETWORK

# name -> (row, strategy, linear accuracies, those with random weights), in percent, a value a seed
Networks = Mapping[str, tuple[str, str, Sequence[float], Sequence[float]]]
CLEAR: Networks = {
    "ssnas": ("SSNAS (first order)", "darts-first", (81, 80, 82), (50, 52, 51)),
    "random": ("Random sampling", "random", (80, 82, 81), (50, 51, 50)),
    "resnet18": ("ResNet-18", "manual", (60, 61, 62), (50, 52, 53)),
}
CURVE = [4.0, 3.5, 3.1, 2.8, 2.6, 2.4, 2.2, 2.0]
KINDS = {"darts-first": "darts", "random": "random", "manual": "manual"}


def write_own_results(
    project: Path, networks: Networks = CLEAR, classes: bool = True, scale: str = "lab"
) -> Path:
    """60 images (without classes) or 48 and 200 in the classes `cat` and `dog`, 16 pixels wide."""
    project.mkdir(parents=True, exist_ok=True)
    plan: dict = {
        "objective": {"simclr": {"kind": "simclr"}},
        "strategy": {name: {"kind": kind} for name, kind in KINDS.items()},
        "data": {"folder": {"kind": "folder", "root": "/home/someone/secret place/my pets"}},
        "prepare": {"folder": {"data": "folder"}},
        "search": {}, "score": {}, "select": {}, "pretrain": {}, "probe": {},
        "report": {"scale": scale, "tables": {}, "own": []},
    }  # fmt: skip
    results = project / "results"

    def write(run: str, metrics: dict) -> Path:
        folder = results / run
        folder.mkdir(parents=True)
        (folder / "metrics.json").write_text(json.dumps(metrics))
        cost = {"seconds": 10.0, "gpu_days": 0.001, "device": "cpu"}
        (folder / "cost.json").write_text(json.dumps(cost))
        return folder

    for place, (name, (row, strategy, linear, untrained)) in enumerate(networks.items()):
        group, published = f"{name}-folder", strategy == "manual"
        genotype = ResNetGenotype(18) if published else random_genotype(place)
        searches = [f"{group}-s{seed}" for seed in range(1 if published else 2)]
        for search in searches:
            plan["search"][search] = {
                "data": "folder", "space": "cells", "strategy": strategy, "objective": "simclr",
                "seed": int(search[-1]),
            }  # fmt: skip
            folder = write(f"search/{search}", {"strategy": KINDS[strategy]})
            write_genotype(folder / "genotype.json", genotype)
        architecture = f"search/{searches[0]}"
        if not published:
            architecture = f"select/{group}"
            plan["select"][group] = {"candidates": searches, "criterion": "contrastive_loss"}
            for seed, search in enumerate(searches):
                plan["score"][search] = {
                    "select": group, "search": search, "data": "folder", "network": "cells",
                    "objective": "simclr", "recipe": "score-contrastive", "seed": seed,
                }  # fmt: skip
                loss = 2.0 + place + 0.125 * seed
                write(f"score/{group}/{search}", {"contrastive_loss": loss, "batch_size": 64})
            spread = {"mean": 2.0625 + place, "std": 0.0884, "n": 2}
            metrics = {"winner": searches[0], "criterion": "contrastive_loss", "score": 2.0 + place}
            folder = write(f"select/{group}", {**metrics, "spread": spread})
            write_genotype(folder / "genotype.json", genotype)
        runs = [f"{group}-s{seed}" for seed in range(len(linear))]
        for seed, run in enumerate(runs):
            plan["pretrain"][run] = {
                "data": "folder", "architecture": architecture, "network": "cells",
                "objective": "simclr", "recipe": "pretrain-b64", "seed": seed,
            }  # fmt: skip
            folder = write(
                f"pretrain/{run}",
                {"final_loss": CURVE[-1] + place + seed / 8, "n_trained_on": 48 if classes else 60,
                 "params": 250_000, "flops": 4e7, "epochs": len(CURVE), "batch_size": 64},
            )  # fmt: skip
            for file in NETWORK:
                (folder / file).write_text(run)
            curve = folder / "curves/plots/metrics"
            curve.mkdir(parents=True)
            lines = [f"{step}\t{value}\n" for step, value in enumerate(CURVE)]
            (curve / "train_loss.tsv").write_text("step\ttrain_loss\n" + "".join(lines))
            if classes:
                plan["probe"][run] = {
                    "data": "folder", "pretrain": run, "init": "pretrained", "network": "cells",
                    "linear": "linear", "finetune": "none", "seed": seed,
                }  # fmt: skip
                write(
                    f"probe/{run}",
                    {"n": 200, "linear_accuracy": linear[seed] / 100,
                     "linear_accuracy_untrained": untrained[seed] / 100},
                )  # fmt: skip
        plan["report"]["own"].append({
            "row": row, "data": "folder", "selection": architecture,
            "runs": [f"{'probe' if classes else 'pretrain'}/{run}" for run in runs],
            "pretrained": [f"pretrain/{run}" for run in runs],
            "searches": [f"search/{search}" for search in searches],
        })  # fmt: skip
    _write_images(results / "prepare/folder", classes)
    (project / "params.yaml").write_text(yaml.safe_dump(plan))
    return project


def _write_images(folder: Path, classes: bool) -> None:
    counts = {"train": 48, "test": 200} if classes else {"train": 60}
    for part in ("images", "labels"):
        (folder / part).mkdir(parents=True)
    random = np.random.default_rng(0)
    for part, count in counts.items():
        pixels = random.integers(0, 256, (count, 16, 16, 3), np.uint8)
        np.save(folder / "images" / f"{part}.npy", pixels)
        if classes:
            np.save(folder / "labels" / f"{part}.npy", np.arange(count) % 2)
    images = {"kind": "folder", "format": "packed", "image_size": 16, "counts": counts}
    (folder / "images/manifest.json").write_text(json.dumps({**images, "ignored": 3}))
    reason = "the file is truncated"
    labels = {
        "labels": None,
        "remarks": [
            {"part": "all parts", "count": 2, "text": "files are not used", "first": "a.txt"},
        ],
        "skipped": [{"path": "dog/broken.png", "sha256": "", "reason": reason}],
    }  # fmt: skip
    if classes:
        labels["classes"] = ["cat", "dog"]
        labels["labels"] = {part: {"cat": n // 2, "dog": n // 2} for part, n in counts.items()}
    (folder / "labels/manifest.json").write_text(json.dumps(labels))
