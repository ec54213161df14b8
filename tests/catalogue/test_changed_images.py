"""Images that changed after they were prepared: the next stage says so, and what to run."""

from __future__ import annotations

import re
from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stages.prepare.__main__ import prepare
from stages.runs.run import read_run
from tests.catalogue.conftest import COMMANDS


def save(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


def another_image(root: Path) -> None:
    for number in range(0, 96, 2):  # of the same name, kind and size
        save(root / f"train/a/{number}.png", 1000 + number)


def broken(root: Path) -> None:
    for path in sorted(root.glob("train/a/*.png")):
        path.write_bytes(path.read_bytes()[:-20])


def removed(root: Path) -> None:
    (root / "train/a/0.png").unlink()


def added(root: Path) -> None:
    save(root / "train/a/new.png", 5)


def another_class(root: Path) -> None:
    (root / "train/a/0.png").rename(root / "train/b/0.png")


def renamed_class(root: Path) -> None:
    (root / "train/a").rename(root / "train/c")


AGAIN = r".* with `dvc repro --force --single-item prepare@own` and start the same command again"
CHANGES = {
    "another image": (another_image, r"train/a/\d+\.png has changed since the data were prepared"),
    "broken": (broken, r"train/a/\d+\.png has changed since the data were prepared"),
    "removed": (removed, r"is not the folder that was prepared: train/a/0\.png is missing"),
    "added": (added, r"is not the folder that was prepared: there are other files \(it has 101"),
    "another class": (another_class, r"not the folder that was prepared: train/a/0\.png is miss"),
    "a renamed class": (renamed_class, r"not the folder that was prepared: train/a/0\.png is miss"),
}


@pytest.mark.parametrize(("change", "text"), CHANGES.values(), ids=CHANGES)
def test_indexed_images_that_changed(change, text, tmp_path, plan, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    root = tmp_path / "root"
    for number in range(100):
        part = "train" if number < 96 else "val"
        save(root / part / "ab"[number % 2] / f"{number}.png", number)
    changes = {
        "data.own": {"kind": "imagenet", "image_size": 16, "root": str(root)},
        "prepare.own": {"data": "own"},
        "search.s.data": "own",
    }
    out = tmp_path / "prepared"
    prepare(read_run("prepare", "own", plan(changes)), Namespace(), out)
    change(root)
    inputs = ["--images", str(out / "images"), "--labels", str(out / "no-labels")]
    with pytest.raises(SystemExit) as end:
        COMMANDS["search"](["s", *inputs, "--out", str(tmp_path / "out")])
    assert end.value.code == 2
    said = capsys.readouterr().err
    assert "Traceback" not in said
    assert re.search(text + AGAIN, said, re.DOTALL), said
