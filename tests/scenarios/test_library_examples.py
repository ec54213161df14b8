"""The examples of README.md's section "As a library" and of docs/library.md, executed as they stand
there."""

from __future__ import annotations

import re
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image

from nassl import load
from nassl.files import write_json
from stages.export.__main__ import export
from stages.pretrain.__main__ import pretrain
from stages.report.numbers.own import Best, OwnRow, OwnTable, Pretrained
from stages.report.text.own_verdict import verdict
from stages.report.write import write_own
from tests.scenarios.project import ROOT

LINES = 30  # an example is shorter
# Only the interpreter's own modules, and what the exported network's users have.
ALONE = """
import sys
from importlib.metadata import packages_distributions, requires
import re
allowed, left = set(), ["onnxruntime", "numpy", "pillow"]
while left:
    name = left.pop().lower()
    if name not in allowed:
        allowed.add(name)
        needed = [line for line in requires(name) or [] if "extra ==" not in line]
        left += [re.match(r"[\\w.-]+", line)[0] for line in needed]
modules = {m for m, names in packages_distributions().items() if allowed & {*map(str.lower, names)}}
class Refuse:
    @staticmethod
    def find_spec(name, path=None, target=None):
        top = name.partition(".")[0]
        if top not in sys.stdlib_module_names and top not in modules:
            raise ModuleNotFoundError(f"{name} is not installed here", name=name)
sys.meta_path.insert(0, Refuse)
try:
    import torch
except ModuleNotFoundError:
    pass
else:
    raise SystemExit("torch can be imported")
"""


def examples() -> list[str]:
    section = (ROOT / "README.md").read_text().partition("\n## As a library\n")[2]
    text = section.partition("\n## ")[0] + (ROOT / "docs/library.md").read_text()
    return re.findall(r"^```python\n(.*?)^```$", text, re.M | re.S)


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
    write_own(table, tmp_path / "made", tables, verdict(table))
    (tmp_path / "place" / "my-images").mkdir()
    random = np.random.default_rng(0)
    for number in range(11):
        pixels = random.integers(0, 256, (20 + number, 31, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "place" / "my-images" / f"{number}.png")
    return tmp_path / "place"


def various(folder):
    """In place of ten noisy squares: what a folder of photographs holds."""
    turned = Image.Exif()
    turned[0x0112] = 6
    random = np.random.default_rng(1)
    coarse = Image.fromarray(random.integers(0, 256, (6, 7, 4), dtype=np.uint8))
    large = coarse.resize((410, 300), Image.Resampling.BICUBIC)
    for file in folder.iterdir():
        file.unlink()
    large.convert("RGB").save(folder / "large.jpg", quality=95)
    large.convert("RGB").save(folder / "turned.jpg", exif=turned)
    large.convert("RGB").resize((40, 50)).save(folder / "turned.tif", exif=turned)
    large.convert("CMYK").save(folder / "cmyk.jpg")
    large.convert("L").resize((33, 21)).save(folder / "gray.png")
    large.convert("LA").resize((33, 21)).save(folder / "gray-transparent.png")
    large.convert("P").resize((33, 21)).save(folder / "palette.gif")
    large.convert("1").resize((33, 21)).save(folder / "bits.png")
    large.resize((20, 60)).save(folder / "transparent.png")
    large.convert("RGB").resize((16, 16)).save(folder / "fits.webp", lossless=True)


def test_there_are_three_and_they_are_short():
    assert [len(code.splitlines()) < LINES for code in examples()] == [True, True, True]


def test_features_of_ten_images_with_the_best_network(place):
    code = examples()[0]
    shown = run(f"{code}\nassert features.shape == (10, best.network.feature_dim)", place)
    assert shown.startswith("torch.Size([10, ")
    assert shown.endswith(" digits\n")


@pytest.mark.parametrize("crop", [16, 12])
def test_onnxruntime_alone_gives_the_features_of_nassl(place, crop, call, digits, genotype):
    changes = {"objective.simclr.views.size": crop}
    inputs = {"images": digits / "images", "genotype": genotype}
    call(pretrain, changes=changes, out="results/pretrain/s", **inputs)
    results = place.parent / "results"
    (results / "prepare").mkdir()
    (results / "prepare" / "digits").symlink_to(digits)
    export("pretrain/s", "onnx", results, place / "network.onnx")
    various(place / "my-images")
    code = f"{ALONE}\n{examples()[1]}\nnp.save('features.npy', features)"
    assert run(code, place) == "(10, 32)\n"
    trained = load(results / "pretrain/s")
    files = sorted((place / "my-images").iterdir())
    with torch.inference_mode():
        batch = trained.preprocess([Image.open(file) for file in files])
        expected = trained.network(batch).numpy()
    found = np.load(place / "features.npy")
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
    assert np.abs(np.diff(expected, axis=0)).max(axis=1).min() > 1e-3  # no two are alike


def test_onnxruntime_example_refuses_deep_images(place, digits, call, genotype):
    call(pretrain, out="results/pretrain/s", images=digits / "images", genotype=genotype)
    results = place.parent / "results"
    (results / "prepare").mkdir()
    (results / "prepare" / "digits").symlink_to(digits)
    export("pretrain/s", "onnx", results, place / "network.onnx")
    deep = np.linspace(0, 4095, 400).astype(np.uint16).reshape(20, 20)
    Image.fromarray(deep).save(place / "my-images" / "0.png")
    with pytest.raises(AssertionError, match=r"0\.png has more than 8 bits a channel: convert it"):
        run(examples()[1], place)


def test_the_supernet_in_a_loop_of_ones_own_learns(tmp_path):
    code = examples()[2]
    shown = run(f"{code}\nassert supernet.alpha_normal.grad.abs().sum() > 0", tmp_path)
    assert shown.startswith("CellGenotype(")


def test_the_best_folder_says_what_its_network_is(place):
    write_json(place / "results/tables/best/network.json", {"run": "another"})  # not read
    code = "import nassl; print(nassl.load('results/tables/best').facts.run)"
    assert run(code, place) == "pretrain/s\n"
