from __future__ import annotations

import json
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

import pytest

from nassl.settings import Data, SettingsError
from stages.prepare.__main__ import prepare
from stages.runs.run import Run

ROOT = Path(__file__).parents[3]


def test_a_kind_without_an_implementation_lists_those_that_have_one(tmp_path):
    run = Run("prepare", "x", None, {"data": Data(kind="mnist", image_size=28)}, None, ())
    expected = r"kind is 'mnist', which has no implementation: .*available: cifar10, .*stl10"
    with pytest.raises(SettingsError, match=expected):
        prepare(run, Namespace(), tmp_path)


def test_the_command_prepares_a_users_own_images_without_importing_torch(tmp_path):
    """Start-up: torch alone would take longer than the whole of a small preparation."""
    from PIL import Image

    (tmp_path / "own").mkdir()
    for shade in (10, 200):
        Image.new("L", (9, 7), shade).save(tmp_path / "own" / f"{shade}.jpg")
    data = {"kind": "folder", "image_size": 4, "root": "own"}
    resources = {"threads": 1, "memory_mb": 500, "gpus": 0, "retries": 0, "minutes": 1}
    plan = {"data": {"own": data}, "prepare": {"own": {"data": "own"}}}
    plan["resources"] = {"prepare": resources}
    (tmp_path / "params.yaml").write_text(json.dumps(plan))
    code = (
        "import runpy, sys; sys.argv = ['prepare', 'own', '--out', 'out'];"
        "runpy.run_module('stages.prepare', run_name='__main__');"
        "assert not {'torch', 'torchvision'} & set(sys.modules)"
    )
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, check=True)
    manifest = json.loads((tmp_path / "out" / "images" / "manifest.json").read_text())
    assert manifest["counts"] == {"train": 2}
    assert manifest["mean"] == pytest.approx([105 / 255] * 3, abs=1e-3)
