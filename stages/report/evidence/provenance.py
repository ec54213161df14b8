"""Where the numbers come from: state of the source, plan, versions, machine."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = (
    "torch", "torchvision", "kornia", "numpy", "scipy", "scikit-learn", "safetensors", "dvc",
    "dvclive", "snakemake", "hydra-core", "pb1-detectron2", "detectron2",
)  # fmt: skip


def commit(folder: Path = Path()) -> str:
    """The commit of `folder`, with `-dirty` if a tracked file differs from it; `unknown` where
    there is no git or no commit. Two files are left out: dvc.lock, which every run of the graph
    rewrites, and params.yaml, the plan, whose own hash stands beside the commit."""

    def git(*arguments: str) -> str:
        # Without optional locks: other jobs may be using the repository.
        command = ["git", "--no-optional-locks", *arguments]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    try:
        changes = ("status", "--porcelain", "--untracked-files=no")
        left_out = (f":(exclude,top){name}" for name in ("dvc.lock", "params.yaml"))
        dirty = git(*changes, "--", ":/", *left_out)
        return git("rev-parse", "HEAD") + ("-dirty" if dirty else "")
    except (FileNotFoundError, subprocess.CalledProcessError):
        return "unknown"


def plan_hash(plan: Path) -> str:
    """SHA-256 of the plan's bytes: what `sha256sum params.yaml` prints."""
    return hashlib.sha256(plan.read_bytes()).hexdigest()


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that affect results, if installed."""
    found = {"Python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def machine() -> dict[str, str]:
    """The machine that wrote the page. The runs' own devices are in their cost.json."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "system": f"{platform.system()} {platform.release()}, {platform.machine()}",
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "memory": f"{pages / 2**30:.0f} GiB",
    }


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown"
