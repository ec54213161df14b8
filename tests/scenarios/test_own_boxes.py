"""Your own boxes through the real graph: generated scenes in VOC's layout, from the plan to the
page, with detectors of a searched network and of a ResNet-18."""

from __future__ import annotations

import json

import yaml

from nassl.settings import DATASETS
from stages.prepare.scene_files import write_voc
from stages.prepare.scenes import scenes
from tests.scenarios.project import Project
from tests.scenarios.test_own_images import BATCHES, draw

ROWS = ["SSNAS (first order)", "ResNet-18"]
RUNS = {
    f"{method}-boxes-{start}s0" for method in ("ssnas", "resnet18") for start in ("", "scratch-")
}


def test_own_images_become_detectors_of_own_boxes(tmp_path):
    settings = DATASETS["scenes-voc"]("scenes-voc", image_size=64, train=8, test=12)
    write_voc(scenes(settings, crowds=False), tmp_path / "boxes")
    draw(tmp_path / "images", classes=False)
    (tmp_path / "project").mkdir()
    project = Project(
        tmp_path / "project",
        "paper=own", "data=folder", f"data.root={tmp_path / 'images'}",
        "boxes=voc", f"boxes.root={tmp_path / 'boxes'}", "scale=smoke", "seeds.search=1",
        'only=["own.networks/SSNAS (first order)", own.boxes]', *BATCHES,
    )  # fmt: skip
    project.snakemake()
    assert project.stale() == set()
    plan = yaml.safe_load((project.folder / "params.yaml").read_text())
    assert set(plan["transfer"]) == RUNS

    measured = {run: project.read(f"results/transfer/{run}/metrics.json") for run in RUNS}
    for run, metrics in measured.items():
        assert (metrics["weights_matched"] == 0) == ("scratch" in run)
        assert metrics["iterations"] == 4
        assert metrics["n"] == 12
    recipe = yaml.safe_load(
        (project.folder / "results/transfer/ssnas-boxes-s0/config.yaml").read_text()
    )
    assert recipe["INPUT"]["MIN_SIZE_TEST"] == 48  # 1.5 times 32, below the scenes' 64
    table = project.read("results/tables/own_boxes.json")
    assert [row["row"] for row in table["rows"]] == ROWS
    for row in table["rows"]:
        for start, (run,) in row["runs"].items():
            found = measured[run.removeprefix("transfer/")]
            assert row[start]["AP50"]["mean"] == 100 * found["AP50"]
    listed = json.loads((project.folder / "results/prepare/boxes/labels/test.json").read_text())
    counted = [b for image in listed for b in image["annotations"] if not b["difficult"]]
    assert sum(one["test_boxes"] for one in table["classes"]) == len(counted) > 0
    assert len(table["comparisons"]) == 6
    page = (project.folder / "results/report.html").read_text()
    assert 'id="boxes"' in page
    assert page.count('alt="Test image ') == 24
    assert "own_boxes" in project.read("results/tables/metrics.json")
