"""The model card: front matter that Hugging Face reads, numbers and code that are true."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from PIL import Image

from nassl.files import read_json
from nassl.model.card import write_card
from stages.pretrain.__main__ import pretrain
from stages.retrain.__main__ import retrain

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def trained(call, digits, genotype):
    inputs = {"images": digits / "images", "genotype": genotype}
    return {
        "pretrain": call(pretrain, **inputs),
        "retrain": call(retrain, labels=digits / "labels", **inputs),
    }


def front_matter(folder):
    _, lines, body = (folder / "README.md").read_text().split("---\n", 2)
    return yaml.safe_load(lines), body


def test_front_matter_says_what_it_is(trained):
    matter, body = front_matter(trained["pretrain"])
    assert matter == {
        "library_name": "nassl",
        "pipeline_tag": "image-feature-extraction",
        "tags": ["pytorch", "self-supervised-learning", "neural-architecture-search"],
    }
    assert "license:" in body  # said, not chosen
    matter, _ = front_matter(trained["retrain"])
    assert matter["pipeline_tag"] == "image-classification"
    assert matter["tags"] == ["pytorch", "neural-architecture-search"]


def test_hugging_faces_library_reads_it(trained):
    hub = pytest.importorskip("huggingface_hub", reason="comes with timm, extra `test`")
    card = hub.ModelCard.load(trained["pretrain"] / "README.md")
    assert card.data.library_name == "nassl"
    assert card.text.lstrip().startswith("# pretrain/s\n")


def test_the_body_has_the_numbers(trained):
    _, body = front_matter(trained["retrain"])
    metrics = read_json(trained["retrain"] / "metrics.json")
    seen = read_json(trained["retrain"] / "model.json")["input"]
    assert f"Test accuracy {100 * metrics['test_accuracy']:.2f} % on 40 test images" in body
    assert "trained with labels on 96 images of the data set `digits` (kind `digits`" in body
    assert "Classes, in the order of the logits: `0`, `1`, " in body
    assert f"| mean | {', '.join(map(str, seen['mean']))} |" in body
    _, body = front_matter(trained["pretrain"])
    assert "trained without labels on 96 images" in body
    assert "accuracy" not in body
    assert "Classes" not in body


def test_its_code_works_in_the_folder(trained):
    for folder in trained.values():
        Image.new("RGB", (20, 30), (200, 60, 40)).save(folder / "image.jpg")
        (code,) = re.findall(r"^```python\n(.*?)^```$", front_matter(folder)[1], re.M | re.S)
        code += "assert features.shape == (1, trained.network.feature_dim)"
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False,
            env={"PYTHONPATH": str(ROOT), "HOME": str(Path.home()), "PATH": "/usr/bin:/bin"},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert (done.stdout.strip() in map(str, range(10))) == (folder == trained["retrain"])


def test_the_loss_has_its_unit(trained):
    folder = trained["pretrain"]
    before, metrics = (folder / "README.md").read_text(), read_json(folder / "metrics.json")
    assert f"{metrics['final_loss']:.4f} nats, which says little" in before
    write_card(folder, metrics, "")
    assert f"{metrics['final_loss']:.4f}, which says little" in (folder / "README.md").read_text()
    write_card(folder, metrics)


def test_the_same_bytes_twice(trained):
    folder = trained["pretrain"]
    before = (folder / "README.md").read_bytes()
    write_card(folder, read_json(folder / "metrics.json"))
    assert (folder / "README.md").read_bytes() == before
    assert str(folder).encode() not in before
