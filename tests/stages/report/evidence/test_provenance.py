"""Commit and state of the source."""

from __future__ import annotations

import subprocess
from pathlib import Path

from stages.report.evidence.provenance import commit


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=Tester", "-c", "user.email=tester@example.org"]
    command = ["git", *identity, *arguments]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_commit_and_dirty_state(tmp_path):
    assert commit(tmp_path) == "unknown"
    git(tmp_path, "init", "-q")
    assert commit(tmp_path) == "unknown"
    for name in ("code.py", "dvc.lock", "params.yaml"):
        (tmp_path / name).write_text("1\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "first")
    head = git(tmp_path, "rev-parse", "HEAD")
    assert commit(tmp_path) == head
    (tmp_path / "dvc.lock").write_text("2\n")  # rewritten by every run of the graph
    (tmp_path / "params.yaml").write_text("2\n")  # another plan: its hash says which
    (tmp_path / "untracked.txt").write_text("1\n")
    assert commit(tmp_path) == head
    (tmp_path / "code.py").write_text("2\n")
    assert commit(tmp_path) == f"{head}-dirty"
    (tmp_path / "folder").mkdir()
    assert commit(tmp_path / "folder") == f"{head}-dirty"
