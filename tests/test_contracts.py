"""Which part of the code may import which: the contracts of pyproject.toml, by import-linter."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BREACHES = {  # contract -> file, what it imports
    "The stages import the library, never the other way": ("nassl/files.py", "stages.runs.lines"),
    "Within the library from loading down to files": ("nassl/kernels/loader.py", "nassl.training"),
    "No stage imports another": ("stages/score/held_out.py", "stages.search.found"),
    "Within the report from the page down to the evidence": (
        "stages/report/text/order.py",
        "stages.report.figures.charts",
    ),
    "No circles": ("stages/search/found.py", "stages.search.strategies"),
    "The library knows no pipeline and no command line": ("nassl/training/curves.py", "dvclive"),
    "Settings, genotypes and files import no torch": ("nassl/genotypes/keys.py", "torch"),
}


def contracts(folder: Path) -> dict[str, str]:
    """KEPT or BROKEN, by name."""
    command = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [command, "--no-cache"], cwd=folder, capture_output=True, text=True, check=False
    )
    found = dict(re.findall(r"^(.+) (KEPT|BROKEN)(?: \(.*\))?$", done.stdout, re.MULTILINE))
    assert found, done.stdout + done.stderr
    return found


def test_all_are_kept():
    assert contracts(ROOT) == dict.fromkeys(BREACHES, "KEPT")


def test_each_is_broken_by_an_import_within_a_function(tmp_path):
    for name in ("nassl", "stages"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for name, module in BREACHES.values():
        file = tmp_path / name
        file.write_text(file.read_text() + f"\n\ndef breach():\n    import {module}\n")
    found = contracts(tmp_path)
    assert set(found) == set(BREACHES)
    assert set(found.values()) == {"BROKEN"}
