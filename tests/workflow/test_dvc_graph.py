"""What is stale is DVC's answer, whatever reads params.yaml."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from dvc.dependency import param
from dvc.repo import Repo

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "workflow"))
from dvc_graph import params_read_once

DVC_YAML = """
stages:
  one:
    cmd: touch one
    params: [recipe.epochs, recipe.views, 'data.*']
    outs: [one]
  two:
    cmd: touch two
    params: [recipe.name, gone]
    outs: [two]
  three:
    cmd: touch three
    params: [recipe.epochs]
    outs: [three]
"""
PARAMS = "recipe: {epochs: 2, views: [0.4, 1.0], name: a}\ndata: {x: 1}\ngone: {deeper: 1}\n"


@pytest.fixture
def repo(tmp_path, monkeypatch) -> Repo:
    """A repository with three finished stages."""
    (tmp_path / "dvc.yaml").write_text(DVC_YAML)
    (tmp_path / "params.yaml").write_text(PARAMS)
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    monkeypatch.chdir(tmp_path)
    made = Repo.init()
    made.reproduce()
    return Repo()


@pytest.mark.parametrize(
    ("change", "stale"),
    [
        (("x", "x"), set()),
        (("epochs: 2", "epochs: 3"), {"one", "three"}),
        (("[0.4, 1.0]", "[0.4, 0.9]"), {"one"}),
        (("name: a", "name: b"), {"two"}),
        (("x: 1", "x: 2"), {"one"}),  # under a wildcard
        (("deeper: 1", "deeper: 2"), {"two"}),
        (("gone: {deeper: 1}", ""), {"two"}),
        (("recipe: {epochs: 2, views: [0.4, 1.0], name: a}", "recipe: 1"), {"one", "two", "three"}),
    ],
)
def test_the_status_is_dvcs(repo, change, stale):
    Path("params.yaml").write_text(PARAMS.replace(*change))
    expected = repo.status()
    with params_read_once():
        found = repo.status()
    assert found == expected
    assert set(found) == stale


def test_the_file_is_parsed_once(repo, monkeypatch):
    parsed = []
    load = param.load_path
    monkeypatch.setattr(param, "load_path", lambda *a, **k: parsed.append(a) or load(*a, **k))
    Path("dvc.yaml").write_text(DVC_YAML.replace(", 'data.*'", ""))
    with params_read_once():
        repo.status()
    assert len(parsed) == 1
    repo.status()
    assert len(parsed) == 4, "afterwards DVC reads by itself"
