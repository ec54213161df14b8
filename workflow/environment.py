"""The conda environments of the jobs, with the pins of requirements.txt in them.

`workflow/envs/<name>.yaml` refers to requirements.txt. Snakemake makes an environment from a copy
of that file, which may lie anywhere (`--conda-prefix`), and a new one if its text changes. So it is
given a file that contains the pins.
"""

from __future__ import annotations

import os
from pathlib import Path

import yaml

SOURCE = Path("workflow/envs")
WRITTEN = Path(".snakemake/envs")


def environment(name: str) -> str:
    """Writes the file for Snakemake, with the script that it runs afterwards; gives its path."""
    content = yaml.safe_load((SOURCE / f"{name}.yaml").read_text())
    for entry in content["dependencies"]:
        if isinstance(entry, dict):
            entry["pip"] = [pin for line in entry["pip"] for pin in _pins(line)]
    WRITTEN.mkdir(parents=True, exist_ok=True)
    _write(WRITTEN / f"{name}.yaml", yaml.safe_dump(content, sort_keys=False))
    script = f"{name}.post-deploy.sh"
    _write(WRITTEN / script, (SOURCE / script).read_text())
    return str((WRITTEN / f"{name}.yaml").resolve())


def _pins(line: str) -> list[str]:
    if not line.startswith("-r "):
        return [line]
    lines = (SOURCE / line.removeprefix("-r ")).read_text().splitlines()
    return [pin.strip() for pin in lines if pin.strip() and not pin.startswith("#")]


def _write(path: Path, text: str) -> None:
    """Replaces the file as a whole: jobs read it while the next one writes it."""
    if not path.exists() or path.read_text() != text:
        beside = path.with_name(f"{path.name}.{os.getpid()}")
        beside.write_text(text)
        os.replace(beside, path)
