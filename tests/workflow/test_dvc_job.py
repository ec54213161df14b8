"""How a job writes dvc.lock, compared with DVC's own way, for the same sequence of runs."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
JOB = ROOT / "workflow" / "dvc_job.py"
PIPELINE = """\
stages:
  copy:
    foreach: ${names}
    do:
      cmd: >-
        mkdir -p out/${key} && cp input.txt out/${key}/a-file-with-a-name-that-is-long-enough
        && echo ${item.value} > out/${key}/value
      params: ["names.${key}"]
      deps: [input.txt]
      outs: ["out/${key}"]
  last:
    cmd: cat out/*/value > last.txt
    deps: [out/a, out/b-1]
    outs: [last.txt]
"""
PLAN = "names:\n  a: {value: 1, list: [1.5, x]}\n  b-1: {value: 2, text: 'yes: no'}\n"

sys.path.insert(0, str(JOB.parent))
specification = importlib.util.spec_from_file_location("dvc_job", JOB)
dvc_job = importlib.util.module_from_spec(specification)
specification.loader.exec_module(dvc_job)


class Pipeline:
    def __init__(self, folder, command):
        self.folder, self.command = folder, command
        folder.mkdir()
        self.write(PLAN)
        (folder / "dvc.yaml").write_text(PIPELINE)
        (folder / "input.txt").write_text("input")
        self("dvc", "init", "--no-scm", "--quiet")

    def __call__(self, *words):
        bin_folder = Path(sys.executable).parent
        words = [str(bin_folder / "dvc"), *words[1:]] if words[0] == "dvc" else words
        done = subprocess.run(words, cwd=self.folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def write(self, plan):
        (self.folder / "params.yaml").write_text(plan)

    def job(self, name):
        return self(*self.command, name)

    @property
    def lock(self):
        return (self.folder / "dvc.lock").read_text()


def test_the_file_is_the_one_that_dvc_writes(tmp_path):
    theirs = Pipeline(tmp_path / "theirs", ["dvc", "repro", "--single-item"])
    ours = Pipeline(tmp_path / "ours", [sys.executable, str(JOB)])
    for pipeline in (theirs, ours):
        for name in ("copy@b-1", "copy@a", "last"):
            pipeline.job(name)
    assert ours.lock == theirs.lock
    for pipeline in (theirs, ours):
        pipeline.write(PLAN.replace("value: 2", "value: 3"))
        pipeline.job("copy@b-1")
    assert ours.lock == theirs.lock
    assert "value: 3" in ours.lock
    assert "didn't change" in ours.job("copy@b-1")
    assert "last" in ours("dvc", "status")  # and nothing else
    assert "copy" not in ours("dvc", "status")
    assert not list(ours.folder.glob("*.part"))


def test_other_layouts_are_left_to_dvc(tmp_path):
    ours = Pipeline(tmp_path / "ours", [sys.executable, str(JOB)])
    ours.job("copy@a")
    path = ours.folder / "dvc.lock"
    head, _, stages = ours.lock.partition("stages:\n")
    path.write_text(f"stages:\n{stages}{head}")
    assert "didn't change" in ours.job("copy@a")
    ours.job("copy@b-1")
    assert "up to date" in ours("dvc", "status", "copy@a", "copy@b-1")


def test_an_empty_folder_in_the_run_cache_has_no_entry(tmp_path):
    """As a kill leaves it between DVC's making of the folder and of the entry."""
    ours = Pipeline(tmp_path / "ours", [sys.executable, str(JOB)])
    ours.job("copy@a")
    whole = ours.lock
    entries = [path for path in (ours.folder / ".dvc/cache/runs").rglob("*") if path.is_file()]
    assert entries
    for path in entries:
        path.unlink()
    (ours.folder / "dvc.lock").unlink()
    assert "Running stage" in ours.job("copy@a")
    assert ours.lock == whole


@pytest.mark.parametrize(
    "text",
    [
        "stages:\n  a:\n    cmd: x\n",
        "schema: '2.0'\nstages:\n  a:\n    cmd: x\ndatasets: []\n",
        "schema: '2.0'\nstages:\n  'a':\n    cmd: x\n",
        "schema: '2.0'\nstages:\n  a: {cmd: x}\n",
    ],
)
def test_an_unknown_layout_is_refused(text):
    with pytest.raises(ValueError, match=r"begin with|follows|plain name"):
        dvc_job.LockText(text)


def test_the_text_of_a_stage():
    text = "schema: '2.0'\nstages:\n  a@1:\n    cmd: x\n      y\n\n  b:\n    cmd: z\n"
    lock = dvc_job.LockText(text)
    assert str(lock) == text
    assert lock.stage("b") == "schema: '2.0'\nstages:\n  b:\n    cmd: z\n"
    assert lock.stage("c") == "schema: '2.0'\n"
