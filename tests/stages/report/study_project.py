"""A finished study made by hand: its real plan, with results that have planted answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from stages.plan.__main__ import as_text, plan
from stages.runs.lines import results_folder

ADVANTAGE = {"ssnas": 4.0, "darts-first": -4.0, "ssnas-one-set": 2.0}  # points
STARTS = {"resnet50": 12.0, "proxyless": 6.0}
EVOLVED = 8.0  # above its start
LABELLED = {"hundredth": 10.0, "tenth": 4.0}  # what pretraining gains; nothing with all labels


def write_study(project: Path, *overrides: str) -> Path:
    """Random cells and chains differ by deviations of 2 points, dense cells do not; seeds by 0.7.
    The contrastive loss knows the quality, after half of its budget somewhat, after a quarter not
    at all; FLOPs and scores without training know nothing. SSNAS' seeds are 2 points better than
    the same seeds on one set. DARTS always collapses, SSNAS never."""
    overrides = overrides or ("paper=study",)
    params = plan(list(overrides))
    (project / "params.yaml").write_text(as_text(params, list(overrides)))
    draw = np.random.default_rng(7)
    quality = {name: _quality(name, params, draw) for name in params["search"]}
    for name, line in params["search"].items():
        if line.get("initial"):
            quality[name] = EVOLVED + quality[name] + _start(line, name, quality)
        if name.startswith("ssnas-one-set"):
            quality[name] += quality[name.replace("-one-set", "")] - 4.0
    flops = {name: float(draw.integers(1_000_000, 9_000_000)) for name in params["search"]}

    def write(stage: str, run: str, line: dict[str, Any], metrics: dict[str, Any]) -> None:
        folder = project / "results" / results_folder(stage, run, line)
        folder.mkdir(parents=True)
        (folder / "metrics.json").write_text(json.dumps(metrics))
        cost = {"seconds": 36.0, "gpu_days": 0.0, "device": "cpu"}
        (folder / "cost.json").write_text(json.dumps(cost))

    for name, line in params["search"].items():
        found = {"strategy": line["strategy"]}
        if line["strategy"].startswith("darts"):
            collapsed = line["labels"] == "labels"
            found |= {"skip_connections": 5 if collapsed else 1, "collapsed": collapsed}
        write("search", name, line, found)
    for name, line in params["score"].items():
        q, noise = quality[line["search"]], draw.normal(size=5)
        size = {"params": 1000, "flops": flops[line["search"]]}
        if line["labels"] == "labels":
            write("score", name, line, {"accuracy": 0.5 + 0.01 * (q + noise[0])} | size)
            continue
        losses = {
            "contrastive_loss": 3 - 0.02 * (q + 0.3 * noise[0]),
            "contrastive_loss_half": 3 - 0.02 * (q + 3 * noise[1]),
            "contrastive_loss_quarter": 3 + 0.02 * noise[2],
            "train_loss": 3 - 0.02 * q,
        }
        besides = {
            "margin_mean": 0.1 * q, "synflow": noise[3], "jacobian_covariance": noise[4],
            "contrastive_loss_std_between_draws": 0.01, "batch_size": 64,
        }  # fmt: skip
        write("score", name, line, losses | besides | size)
    for name, line in params["retrain"].items():
        search = line["architecture"].partition("/")[2]
        accuracy = (70 + quality[search] + 0.7 * draw.normal()) / 100
        found = {"test_accuracy": accuracy, "params": 1000 + flops[search] / 10}
        write("retrain", name, line, found | {"flops": flops[search]})
    for name, line in params["pretrain"].items():
        write("pretrain", name, line, {"params": 1000})
    for name, line in params["probe"].items():
        search = params["pretrain"][line["pretrain"]]["architecture"].partition("/")[2]
        found = {"params": 1000, "flops": flops[search]}
        if line["finetune"] == "none":
            found["linear_accuracy"] = (50 + quality[search] + 0.2 * draw.normal()) / 100
            found["linear_accuracy_untrained"] = (30 + draw.normal()) / 100
        else:
            protocol = line["finetune"].removeprefix("finetune-")
            gain = LABELLED.get(protocol, 0.0) * (line["init"] == "pretrained")
            found["finetune_accuracy"] = (60 + gain + 0.5 * draw.normal()) / 100
        write("probe", name, line, found)
    return project


def _quality(name: str, params: dict[str, Any], draw: np.random.Generator) -> float:
    line = params["search"][name]
    method = name.partition(f"-{line['data']}")[0]
    if method in ("random", "random-blocks", "ssnas", "darts-first"):
        return ADVANTAGE.get(method, 0.0) + 2.0 * draw.normal()
    return STARTS.get(method, ADVANTAGE.get(method, 0.0))


def _start(line: dict[str, Any], name: str, quality: dict[str, float]) -> float:
    if line["initial"] == "random":
        return quality[f"random-blocks-{line['data']}-s{line['seed']}"]
    return quality[f"{line['initial'].removeprefix('search/').partition('-')[0]}-{line['data']}-s0"]
