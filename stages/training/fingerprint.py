"""What a checkpoint belongs to: settings, inputs and code, as one hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from stages.runs.run import Run

ROOT = Path(__file__).parents[2]
SHARED = ("nassl", "stages/runs", "stages/training")  # code of every run that trains
SUFFIXES = (".py", ".cpp", ".h")


def run_fingerprint(run: Run, inputs: Iterable[Path]) -> str:
    """Hash of what a run is: its line and sections of the plan, its threads, the content of its
    inputs, the code of the library, of what stages share, and of its stage. The machine is kept
    beside the hash (`machine`): a run may continue elsewhere, and then says so.

    Of a folder with a manifest only the manifest is read: it holds the hash of each file beside it,
    and the stage's command has compared them.
    """
    parts = [
        run.stage,
        run.name,
        json.dumps(asdict(run.line), sort_keys=True),
        json.dumps({name: asdict(entry) for name, entry in run.settings.items()}, sort_keys=True),
        str(run.resources.threads),
    ]
    parts += [_content(path) for path in inputs]
    code = [*SHARED, f"stages/{run.stage}"]
    parts += [_content(ROOT / folder, SUFFIXES) for folder in code]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _content(path: Path, suffixes: tuple[str, ...] = ("",)) -> str:
    """Hash of a file, of the manifest of a folder, or of all files with these suffixes in a folder
    without one."""
    if (path / "manifest.json").exists():
        path = path / "manifest.json"
    digest = hashlib.sha256()
    files = (
        [path]
        if path.is_file()
        else sorted(p for p in path.rglob("*") if p.is_file() and p.name.endswith(suffixes))
    )
    for file in files:
        name = str(file.relative_to(path)) if file != path else ""
        digest.update(f"{name} {file.stat().st_size}\n".encode())
        with file.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()
