"""Which state of the source made the tables."""

from __future__ import annotations

import subprocess
from pathlib import Path


def commit(folder: Path = Path()) -> str:
    """The commit of `folder`, with `-dirty` if a tracked file differs from it; `unknown` where
    there is no git or no commit. dvc.lock is left out: every run of the graph rewrites it."""

    def git(*arguments: str) -> str:
        # Without optional locks: other jobs may be using the repository.
        command = ["git", "--no-optional-locks", *arguments]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    try:
        changes = ("status", "--porcelain", "--untracked-files=no")
        dirty = git(*changes, "--", ":/", ":(exclude,top)dvc.lock")
        return git("rev-parse", "HEAD") + ("-dirty" if dirty else "")
    except (FileNotFoundError, subprocess.CalledProcessError):
        return "unknown"
