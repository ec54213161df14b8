"""Your own images through the real graph: PNG files of different sizes, with and without class
folders, from the plan to an exported network."""

from __future__ import annotations

import numpy as np
import pytest
import yaml
from PIL import Image

from nassl import load
from tests.scenarios.project import Project

ROWS = {
    "ssnas": "SSNAS (first order)", "random-by-contrast": "Random sampling",
    "resnet18": "ResNet-18",
}  # fmt: skip
# Without classes the smallest plan: one method, one seed.
LEAST = ['only=["own.networks/SSNAS (first order)"]', "seeds.search=1"]
COLOURS = {"blue": (40, 60, 200), "red": (200, 60, 40)}
TRAINED = ("recipe.search", "recipe.score-contrastive", "recipe.pretrain-b64")
BATCHES = [f"{name}.batch_size=8" for name in (*TRAINED, "protocol.linear.recipe")]


def draw(folder, classes):
    """24 images per colour, noisy, of different sizes; in folders by colour, or in one."""
    random = np.random.default_rng(0)
    for number in range(24):
        for name, colour in COLOURS.items():
            height, width = random.integers(20, 60, 2)
            pixels = random.normal(colour, 30, (height, width, 3)).clip(0, 255).astype(np.uint8)
            place = folder / name if classes else folder
            place.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(place / f"{name}-{number}.png")


def methods(classes):
    return list(ROWS) if classes else list(ROWS)[:1]


@pytest.fixture(scope="module", params=[True, False], ids=["with classes", "without classes"])
def own(request, tmp_path_factory):
    """(project after its graph has run, whether there were class folders)"""
    images = tmp_path_factory.mktemp("images")
    draw(images, request.param)
    project = Project(
        tmp_path_factory.mktemp("own"),
        "paper=own", "data=folder", f"data.root={images}", "scale=smoke", *BATCHES,
        *([] if request.param else LEAST),
    )  # fmt: skip
    project.snakemake()
    return project, request.param


def test_everything_is_searched_and_pretrained_and_probed_if_there_are_classes(own):
    project, classes = own
    assert project.stale() == set()
    plan = yaml.safe_load((project.folder / "params.yaml").read_text())
    assert len(plan["search"]) == (5 if classes else 1)  # two methods, two seeds; ResNet-18
    assert {line["labels"] for line in plan["search"].values()} == {"no-labels"}
    assert set(plan["pretrain"]) == {f"{method}-folder-s0" for method in methods(classes)}
    assert set(plan["probe"]) == (set(plan["pretrain"]) if classes else set())
    counts = project.read("results/prepare/folder/images/manifest.json")["counts"]
    assert counts == ({"train": 38, "test": 10} if classes else {"train": 48})


def test_the_own_table_has_what_was_measured_and_nothing_reported(own):
    project, classes = own
    table = project.read("results/tables/own.json")
    assert [row["row"] for row in table["rows"]] == [ROWS[name] for name in methods(classes)]
    for row in table["rows"]:
        assert row["n_trained_on"] == (38 if classes else 48)
        assert ("linear_accuracy" in row) == classes
        assert row["n_tested_on"] == (10 if classes else 0)
    if classes:  # red and blue
        assert max(row["linear_accuracy"]["mean"] for row in table["rows"]) > 80
    page = (project.folder / "results/tables/index.md").read_text()
    assert "Own images" in page
    assert "reported" not in page
    assert ("10 images that nothing was trained on" in page) == classes
    metrics = project.read("results/tables/metrics.json")
    assert set(metrics["own"]) == {ROWS[name] for name in methods(classes)}
    assert ("linear_accuracy_percent" in metrics["own"][ROWS["ssnas"]]) == classes


def test_the_page_is_about_the_images_and_has_a_verdict(own):
    project, classes = own
    page = (project.folder / "results/report.html").read_text()
    assert "<h1>Your own images: images" in page
    assert 'id="verdict"' in page
    assert "absent-note" not in page.partition("</style>")[2]
    assert page.count("<img ") == 24
    found = project.read("results/tables/own.json")["comparisons"]
    assert {one["verdict"] for one in found} == ({"cannot be told"} if classes else set())
    assert ("with one seed on a side nothing is known of the noise" in page) == classes
    traced = project.python("-m", "stages.report", "--trace", f"own/{ROWS['ssnas']}")
    assert "  results/pretrain/ssnas-folder-s0/weights.safetensors" in traced


def test_the_best_network_lies_ready_with_its_genotype(own):
    project, _ = own
    best = project.folder / "results" / "tables" / "best"
    table = project.read("results/tables/own.json")
    run = table["best"]["run"]
    losses = [row["selected_contrastive_loss"] for row in table["rows"]]
    assert table["best"]["selected_contrastive_loss"] == min(filter(None, losses))
    for name in ("weights.safetensors", "genotype.json", "model.json"):
        assert (best / name).read_bytes() == (project.folder / "results" / run / name).read_bytes()
    loaded = load(best)
    assert loaded.facts.run == run
    assert loaded.facts.classes is None
    batch = loaded.preprocess(Image.new("RGB", (50, 40), COLOURS["red"]))
    assert batch.shape == (1, 3, 32, 32)
    assert loaded.network(batch).isfinite().all()


def test_images_of_which_some_have_labels(tmp_path):
    """All are searched and pretrained on; the labelled ones are probed and fine-tuned."""
    draw(tmp_path / "images", True)
    draw(tmp_path / "images" / "unlabeled", False)
    (tmp_path / "project").mkdir()
    project = Project(
        tmp_path / "project",
        "paper=own", "data=folder", f"data.root={tmp_path / 'images'}", "scale=smoke", *BATCHES,
        *LEAST,
    )  # fmt: skip
    project.snakemake()
    counts = project.read("results/prepare/folder/images/manifest.json")["counts"]
    assert counts == {"train": 38, "test": 10, "unlabeled": 86}
    (row,) = project.read("results/tables/own.json")["rows"]
    assert (row["n_trained_on"], row["n_tested_on"]) == (86, 10)
    probe = project.read("results/probe/ssnas-folder-s0/metrics.json")
    assert (probe["linear_labels"], probe["finetune_labels"], probe["n"]) == (38, 38, 10)
    assert probe["linear_accuracy"] > 0.8  # red and blue


def test_the_best_network_is_exported(own):
    project, classes = own
    form = "onnx" if classes else "torch.export"
    said = project.python("-m", "stages.export", "--run", "best", "--format", form, "--out", "net")
    assert "uint8 (B, 3, 32, 32), pixels from 0 to 255, to features" in said
    assert (project.folder / "net").stat().st_size > 10_000
