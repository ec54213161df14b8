"""The examples of README.md's section "As a library", executed as they stand there."""

from __future__ import annotations

import re
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from nassl.files import write_json
from stages.pretrain.__main__ import pretrain
from stages.report.numbers.own import Best, OwnRow, OwnTable, Pretrained
from stages.report.write import write_own
from tests.scenarios.project import ROOT

LINES = 15  # an example is shorter


def examples() -> list[str]:
    section = (ROOT / "README.md").read_text().partition("\n## As a library\n")[2]
    return re.findall(r"^```python\n(.*?)^```$", section.partition("\n## ")[0], re.M | re.S)


def run(code, folder):
    """Gives what the code prints, in a process of its own in `folder`."""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False,
        env={"PYTHONPATH": str(ROOT), "HOME": str(folder), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def place(call, digits, genotype, tmp_path):
    """A folder with nothing but results/tables/best, as the report writes it, and eleven images."""
    call(pretrain, out="made/pretrain/s", images=digits / "images", genotype=genotype)
    seeds = (Pretrained("pretrain/s", 1.0),)
    row = OwnRow("x", "digits", (), 1.0, seeds, 96, 0, 0.1, 1, 1.0, {}, ())
    tables = tmp_path / "place" / "results" / "tables"
    tables.mkdir(parents=True)
    table = OwnTable("smoke", "none", (row,), Best(1.0, 1.0, "pretrain/s", "x"))
    write_own(table, tmp_path / "made", tables)
    (tmp_path / "place" / "my-images").mkdir()
    random = np.random.default_rng(0)
    for number in range(11):
        pixels = random.integers(0, 256, (20 + number, 31, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "place" / "my-images" / f"{number}.png")
    return tmp_path / "place"


def test_there_are_two_and_they_are_short():
    assert [len(code.splitlines()) < LINES for code in examples()] == [True, True]


def test_features_of_ten_images_with_the_best_network(place):
    code = examples()[0]
    shown = run(f"{code}\nassert features.shape == (10, best.network.feature_dim)", place)
    assert shown.startswith("torch.Size([10, ")
    assert shown.endswith(" digits\n")


def test_the_supernet_in_a_loop_of_ones_own_learns(tmp_path):
    code = examples()[1]
    shown = run(f"{code}\nassert supernet.alpha_normal.grad.abs().sum() > 0", tmp_path)
    assert shown.startswith("CellGenotype(")


def test_the_best_folder_says_what_its_network_is(place):
    write_json(place / "results/tables/best/network.json", {"run": "another"})  # not read
    code = "import nassl; print(nassl.load('results/tables/best').facts.run)"
    assert run(code, place) == "pretrain/s\n"
