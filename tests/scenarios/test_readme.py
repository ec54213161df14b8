"""Every command of README.md is executed, where necessary in the smaller form given here."""

from __future__ import annotations

import re
import shlex
import shutil

import pytest
import yaml

from nassl.settings import DATASETS
from stages.prepare.scene_files import write_coco, write_voc
from stages.prepare.scenes import scenes
from tests.scenarios.project import ROOT
from tests.scenarios.test_own_images import BATCHES, draw

LIGHTLY = (
    "python -m stages.plan paper=own data=folder data.root=/path/to/images scale=lab "
    "papers.own.searches.ssnas.objective=vicreg papers.own.selections.ssnas.objective=vicreg "
    "papers.own.selections.random-by-contrast.objective=vicreg "
    "papers.own.tables.networks.each.objective=vicreg"
)
BOXES = "python -m stages.plan paper=own data=folder data.root=/path/to/images boxes="
BOXES_AT = {
    "voc": f"{BOXES}voc boxes.root=/path/to/VOCdevkit scale=lab",
    "coco": f"{BOXES}coco boxes.root=/path/to/coco scale=lab",
}
# Command of the README -> what is run in its place. The rest is run as it stands.
REDUCED = {
    # Would install, and run for half an hour; the graph of the smoke plan is the fixture `project`.
    "make toy": "make --dry-run toy",
    "make smoke": "make --old-file=.venv/installed smoke",
    "make test": "make --dry-run test",
    "make compare": "make --dry-run compare",  # carried out in test_smoke.py, from docs/compare.md
    # Counts networks for minutes; test_estimate.py has the paper's scale.
    "python -m stages.plan scale=paper --estimate": "python -m stages.plan scale=smoke --estimate",
    "python -m stages.plan paper=own data=folder data.root=/path/to/images scale=lab": (
        "python -m stages.plan paper=own data=folder data.root={images} scale=smoke "
        + " ".join(BATCHES)  # there are few images
    ),
    # There, the same with boxes; the graph of such a plan is run in test_own_boxes.py.
    **{
        line: re.sub(
            r"boxes.root=\S+ scale=lab", f"boxes.root={{{layout}}} scale=smoke", line
        ).replace("/path/to/images", "{images}")
        + " "
        + " ".join(BATCHES)
        for layout, line in BOXES_AT.items()
    },
    # There, the same with another loss.
    LIGHTLY: LIGHTLY.replace("/path/to/images", "{images}").replace("=lab", "=smoke")
    + " "
    + " ".join(BATCHES),
    # Measures this machine and compares it with results of the toy scale.
    "python -m stages.plan scale=toy --check results": "python -m stages.plan --help",
    # Carried out, with a comparison of outputs, in test_own_images.py.
    "python -m stages.export --run best --format onnx --out network.onnx": (
        "python -m stages.export --help"
    ),
    # Carried out, where Slurm is installed or can be, in test_slurm.py.
    "snakemake --profile workflow/profiles/slurm": "cat workflow/profiles/slurm/config.yaml",
}


def commands() -> list[str]:
    text = (ROOT / "README.md").read_text()
    found = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.M | re.S)
    blocks = [block for language, block in found if not language]
    lines = [line.partition("  #")[0].strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line]


def test_what_is_reduced_is_in_the_readme():
    assert set(REDUCED) <= set(commands())
    assert len(commands()) > 15


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    folder = tmp_path_factory.mktemp("images")
    draw(folder, True)
    return folder


@pytest.fixture(scope="module")
def annotated(tmp_path_factory):
    """The folders of generated scenes, by layout."""
    root = tmp_path_factory.mktemp("annotated")
    settings = DATASETS["scenes-voc"]("scenes-voc", image_size=64, train=4, test=4)
    write_voc(scenes(settings, crowds=False), root / "voc")
    write_coco(scenes(settings, crowds=True), root / "coco")
    return {"voc": root / "voc" / "VOCdevkit", "coco": root / "coco"}


def test_every_command_works(project, images, annotated):
    plan = project.folder / "params.yaml"
    before = plan.read_text()
    shown = {}
    for command in commands():
        run = REDUCED.get(command, command).replace("{images}", str(images))
        for layout, place in annotated.items():
            run = run.replace(f"{{{layout}}}", str(place))
        shown[command] = project.run(*shlex.split(run))
        if "stages.plan" in command:  # the results that are there belong to the former plan
            yaml.safe_load(plan.read_text())
            plan.write_text(before)
    assert "snakemake --profile workflow/profiles/local" in shown["make toy"]
    assert "pytest" in shown["make test"]
    assert "Nothing to be done" in shown["make smoke"]
    assert "usage" in shown["python -m stages.search"]
    assert "hours" in shown["python -m stages.plan scale=paper --estimate"]
    assert "Nothing to be done" in shown["snakemake --cores all"]
    assert "up to date" in shown["dvc repro"]
    assert (
        "Stage 'search@ssnas-digits-s0' didn't change" in shown["dvc repro search@ssnas-digits-s0"]
    )
    assert project.stale() == set()
    shutil.rmtree(project.folder / "dvc_plots", ignore_errors=True)
