"""A copy of the project in which scenarios run the real graph on a reduced plan."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class Project:
    """A fresh copy of the project's tracked files with the plan of `overrides`."""

    def __init__(self, folder: Path, *overrides: str) -> None:
        self.folder = folder
        files = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT, capture_output=True, text=True, check=True,
        ).stdout.split()  # fmt: skip
        for name in files:
            if (ROOT / name).is_file() and name != "dvc.lock":
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, folder / name)
        bin_folder = str(Path(sys.executable).parent)
        self.environment = {
            **os.environ,
            "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}",
            "GIT_AUTHOR_NAME": "test", "GIT_AUTHOR_EMAIL": "test@example.org",
            "GIT_COMMITTER_NAME": "test", "GIT_COMMITTER_EMAIL": "test@example.org",
        }  # fmt: skip
        self.run("git", "init", "--quiet")
        self.python("-m", "stages.plan", *(overrides or ("scale=smoke",)))
        self.commit("start")

    def run(self, *command: str) -> str:
        done = self.attempt(*command)
        assert done.returncode == 0, f"{command}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
        return done.stdout + done.stderr

    def attempt(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Whatever its code."""
        return subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True,
            check=False,
        )  # fmt: skip

    def python(self, *arguments: str) -> str:
        return self.run(sys.executable, *arguments)

    def snakemake(self, *arguments: str) -> str:
        return self.run("snakemake", "--cores", "2", *arguments)

    def commit(self, message: str) -> None:
        self.run("git", "add", "--all")
        self.run("git", "commit", "--quiet", "--message", message)

    def stale(self) -> set[str]:
        status = json.loads(self.run("dvc", "status", "--json"))
        return {name.rpartition(":")[2] for name in status}

    def read(self, path: str) -> dict:
        return json.loads((self.folder / path).read_text())
