"""`pip install .` gives the library alone, which imports what it declares and nothing else."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
IMPORT_ALL = """
import importlib, pkgutil, sys

allowed = {*sys.argv[1].split(","), *sys.stdlib_module_names}


class OnlyDeclared:
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if top not in allowed and not top.startswith("_sysconfigdata"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


sys.meta_path.insert(0, OnlyDeclared())
import nassl
print(sorted(name for name in ("dvc", "snakemake", "detectron2", "torch") if name in sys.modules))
for module in pkgutil.walk_packages(nassl.__path__, "nassl."):
    importlib.import_module(module.name)
print(nassl.__file__)
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The folder that `pip install .` would fill."""
    source, made = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("made")
    for name in ("nassl", "stages"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation",
         "--wheel-dir", made, source],
        check=True, capture_output=True,
    )  # fmt: skip
    (wheel,) = made.glob("nassl-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(made / "site")
    return made / "site"


def test_it_has_the_library_with_kernels_and_types_and_no_stage(installed):
    files = {path.relative_to(installed).as_posix() for path in installed.rglob("*")}
    expected = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "nassl").rglob("*")
        if path.suffix in (".py", ".cpp", ".h", ".typed")
    }
    assert expected <= files
    assert "nassl/py.typed" in files
    assert not [name for name in files if name.startswith("stages")]


def test_every_module_imports_with_the_declared_dependencies_alone(installed, tmp_path):
    """From an empty folder; everything else that is installed here is hidden."""
    metadata = next(installed.glob("nassl-*.dist-info")) / "METADATA"
    lines = metadata.read_text().splitlines()
    declared = [line.removeprefix("Requires-Dist: ") for line in lines if "Requires-Dist" in line]
    names = _with_what_they_need([each for each in declared if "extra ==" not in each])
    made_by = packages_distributions().items()
    modules = [top for top, distributions in made_by if names & _lower(distributions)]
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL, ",".join(["nassl", *modules])],
        cwd=tmp_path, env={"PYTHONPATH": str(installed)}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] in ("[]", "['torch']")
    assert done.stdout.splitlines()[1].startswith(str(installed))
    assert not names & {"dvc", "dvclive", "snakemake", "detectron2", "pytest", "selenium"}


def _lower(names: list[str]) -> set[str]:
    return {name.lower().replace("_", "-") for name in names}


def _with_what_they_need(pending: list[str]) -> set[str]:
    """Names of the distributions, and of all that they need here."""
    found: set[str] = set()
    while pending:
        requirement = Requirement(pending.pop())
        name = requirement.name.lower().replace("_", "-")
        if name in found or (requirement.marker and not requirement.marker.evaluate({"extra": ""})):
            continue
        found.add(name)
        try:
            pending += requires(name) or []
        except PackageNotFoundError:
            continue  # of another system
    return found
