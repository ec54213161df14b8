"""A strategy, an objective and a data set are added: two modules and a file of values each, and no
other file is touched. They are planned, estimated and run in a copy of the project."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

DATA = {
    "nassl/settings/datasets/stripes.py": """
from dataclasses import dataclass
from typing import ClassVar

from nassl.settings.data import Data


@dataclass
class Stripes(Data, kind="stripes"):
    implementation: ClassVar[str] = "stages.prepare.stripes:stripes"
    drawn_classes: ClassVar[int] = 2
""",
    "stages/prepare/stripes.py": """
import numpy as np

from stages.prepare.parts import Part, Prepared


def stripes(settings):
    random, parts = np.random.default_rng(settings.seed), {}
    for name in ("train", "test"):
        labels = np.arange(getattr(settings, name)) % 2
        images = random.integers(0, 128, (len(labels), settings.image_size, settings.image_size, 3))
        images[labels == 0, ::2] += 127
        images[labels == 1, :, ::2] += 127
        parts[name] = Part(images.astype(np.uint8), labels)
    return Prepared(parts, ["horizontal", "vertical"])
""",
    "workflow/config/data/stripes.yaml": """# @package data.stripes
kind: stripes
image_size: 16
train: 128
test: 32
""",
}
OBJECTIVE = {
    "nassl/settings/objectives/agreement.py": """
from dataclasses import dataclass
from typing import ClassVar

from nassl.settings.objective import ObjectiveSettings
from nassl.settings.views import Views


@dataclass
class Agreement(ObjectiveSettings, kind="agreement"):
    projection: int
    views: Views

    implementation: ClassVar[str] = "nassl.objectives.agreement:AgreementObjective"
    passes: ClassVar[int] = 6
    passes_to_evaluate: ClassVar[int] = 2
    views_per_image: ClassVar[int] = 2

    def at_once(self, batch):
        return 2 * batch
""",
    "nassl/objectives/agreement.py": """
import torch
import torch.nn.functional as F
from torch import nn

from nassl.objectives.objective import Objective


class AgreementObjective(Objective):
    def __init__(self, settings, network, views):
        super().__init__()
        self.views = views
        self.projection = nn.Linear(network.feature_dim, settings.projection)

    def loss(self, network, images, labels=None):
        return self.evaluate(network, images)["loss"].mean().float()

    def evaluate(self, network, images, labels=None):
        both = self.projection(network(self.views(torch.cat([images, images]))))
        return {"loss": 1 - F.cosine_similarity(*both.chunk(2)).double()}
""",
    "workflow/config/objective/agreement.yaml": """# @package objective.agreement
kind: agreement
projection: 8
views: {crop: resized, crop_scale: [0.5, 1.0], flip: 0.5}
""",
}
STRATEGY = {
    "nassl/settings/strategies/untouched.py": """
from dataclasses import dataclass
from typing import ClassVar

from nassl.settings.strategy import StrategySettings


@dataclass
class Untouched(StrategySettings, kind="untouched"):
    validation_fraction: float

    implementation: ClassVar[str] = "stages.search.untouched:search_untouched"
    searches: ClassVar[tuple[str, ...]] = ("cell",)
""",
    "stages/search/untouched.py": """
from nassl.supernets.cell import Supernet
from nassl.training.device import device_name
from nassl.training.discrete import initial_objective
from nassl.training.loop import Companion, evaluate, train
from nassl.training.optimisers import build_optimizer
from stages.search.data import open_search_data
from stages.search.found import Found
from stages.training.curves import WrittenCurves
from stages.training.device import prepare_device


def search_untouched(run, inputs, out, checkpoints):
    strategy, recipe, seed = run.settings["strategy"], run.settings["recipe"], run.line.seed
    device = prepare_device(run)
    data = open_search_data(run, inputs, device, strategy.validation_fraction)
    network = Supernet(run.settings["space"]).to(device)
    objective = initial_objective(
        run.settings["objective"], network, data.images, len(data.training.indices), seed
    )
    weights = [*network.weight_parameters(), *objective.trained_parameters()]
    train(
        network, objective, build_optimizer(recipe, weights), data.training, recipe, seed,
        checkpoints.part(), WrittenCurves(out / "curves"), Companion(), label="search",
    )
    loss = evaluate(network, objective, data.held_out, seed)["loss"].mean().item()
    return Found(network.genotype(), {"final_validation_loss": loss}, [], device_name(device))
""",
    "workflow/config/strategy/untouched.yaml": """# @package strategy.untouched
kind: untouched
validation_fraction: 0.5
""",
}
PLAN = [
    "scale=smoke",
    'only=["ssnas.table1/SSNAS (first order)"]',
    "stand_ins.cifar10=stripes",
    "papers.ssnas.searches.ssnas.strategy=untouched",
    "papers.ssnas.searches.ssnas.objective=agreement",
    "papers.ssnas.selections.ssnas.objective=agreement",
]


@pytest.fixture(scope="module")
def extended(tmp_path_factory):
    folder = tmp_path_factory.mktemp("project")
    for name in ("nassl", "stages", "workflow"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for added in (DATA, OBJECTIVE, STRATEGY):
        assert len([name for name in added if name.endswith(".py")]) == 2
        assert len(added) == 3
        for name, text in added.items():
            assert not (folder / name).exists()
            (folder / name).write_text(text)
    return folder


def python(folder, *arguments, code=0):
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == code, f"{arguments}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done.stdout + done.stderr


def test_they_are_planned_estimated_and_run(extended):
    python(extended, "-m", "stages.plan", *PLAN)
    plan = (extended / "params.yaml").read_text()
    assert all(f"kind: {kind}" in plan for kind in ("stripes", "agreement", "untouched"))
    estimated = python(extended, "-m", "stages.plan", *PLAN, "--estimate")
    # The weights are trained on half of 128 images and evaluated on the other: 6 and 2 passes.
    row = re.search(r"^search +2 +([\d.]+) ", estimated, re.MULTILINE)
    assert row, estimated

    results = extended / "results"
    python(extended, "-m", "stages.prepare", "stripes", "--out", "results/prepare/stripes")
    data = [
        "--images", "results/prepare/stripes/images",
        "--labels", "results/prepare/stripes/no-labels",
    ]  # fmt: skip
    found = "results/search/ssnas-stripes-s0"
    python(extended, "-m", "stages.search", "ssnas-stripes-s0", *data, "--out", found)
    metrics = json.loads((extended / found / "metrics.json").read_text())
    assert metrics["strategy"] == "untouched"
    assert 0 < metrics["final_validation_loss"] < 2
    genotype, scored = f"{found}/genotype.json", "results/score/ssnas-stripes-s0"
    python(
        extended, "-m", "stages.score", "ssnas-stripes-s0", *data, "--genotype", genotype,
        "--out", scored,
    )  # fmt: skip
    score = json.loads((results.parent / scored / "metrics.json").read_text())
    assert 0 < score["contrastive_loss"] < 2


@pytest.mark.parametrize(
    ("removed", "text"),
    [
        ("stages/search/untouched.py", r"strategy\.kind is 'untouched', which has no implementation"
         r".*'stages\.search\.untouched:search_untouched'; available: darts, evolution, manual"),
        ("nassl/objectives/agreement.py", r"objective\.kind is 'agreement', which has no implement"
         r"ation.*AgreementObjective'; available: lightly, moco, simclr, supervised"),
        ("stages/prepare/stripes.py", r"data\.kind is 'stripes', which has no implementation"
         r".*'stages\.prepare\.stripes:stripes'; available: cifar10, cifar100, coco, digits"),
        ("nassl/settings/strategies/untouched.py",
         r"strategy\.untouched\.kind is 'untouched'; available: darts, evolution, manual"),
        ("nassl/settings/objectives/agreement.py",
         r"objective\.agreement\.kind is 'agreement'; available: lightly, moco, none, simclr"),
        ("nassl/settings/datasets/stripes.py",
         r"data\.stripes\.kind is 'stripes'; available: cifar10, cifar100, coco, digits, folder"),
        ("workflow/config/strategy/untouched.yaml",
         r"strategy has no entry 'untouched'; available: darts-first, "),
    ],
)  # fmt: skip
def test_without_one_of_their_files_the_plan_is_refused(extended, removed, text):
    there = (extended / removed).read_text()
    (extended / removed).unlink()
    try:
        said = python(extended, "-m", "stages.plan", *PLAN, code=2)
    finally:
        (extended / removed).write_text(there)
    assert re.search(text, said), said
    assert "Traceback" not in said
