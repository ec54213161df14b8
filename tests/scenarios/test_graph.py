"""dvc.yaml against the code: what a stage tracks is what it reads, what it depends on is what it
imports; and Snakemake's jobs are DVC's stages."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest
import yaml
from dvc.repo import Repo

from stages.core.lines import RUNS
from stages.core.run import resolve_run

ROOT = Path(__file__).resolve().parents[2]
STAGES = [*RUNS, "report"]
CORE = {
    f"stages/core/{path.name}"
    for path in (ROOT / "stages" / "core").iterdir()
    if path.name not in ("__init__.py", "__pycache__")
}


@pytest.fixture(scope="module")
def resolved():
    return {stage.addressing: stage for stage in Repo(str(ROOT)).index.stages}


@cache
def imported_by(module: str) -> frozenset[str]:
    """Modules of `stages` that importing `module` brings in, lazily imported ones included."""
    path = ROOT / (module.replace(".", "/") + ".py")
    if not path.exists():
        path = ROOT / module.replace(".", "/") / "__init__.py"
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(
        name for name in found if name.startswith("stages.") and is_module(name) and name != module
    )


def is_module(name: str) -> bool:
    path = ROOT / name.replace(".", "/")
    return path.with_suffix(".py").exists() or (path / "__init__.py").exists()


def code_units(stage: str) -> set[str]:
    """Folders under stages/ and stages/core/, and files of stages/core/, that a stage runs."""
    pending, seen = [f"stages.{stage}.__main__"], set()
    while pending:
        module = pending.pop()
        if module not in seen:
            seen.add(module)
            pending += imported_by(module)
    units = set()
    for module in seen:
        parts = module.split(".")
        if parts[1] != "core":
            units.add("/".join(parts[:2]))
        elif len(parts) > 2:
            path = "/".join(parts[:3])
            units.add(path if (ROOT / path).is_dir() else f"{path}.py")
    return units


@pytest.mark.parametrize("stage", STAGES)
def test_code_dependencies_are_exactly_the_imports(stage):
    definition = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"][stage]
    deps = {dep for dep in definition.get("do", definition)["deps"] if dep.startswith("stages/")}
    if "stages/core" in deps:  # stands for all parts of it
        deps = deps - {"stages/core"} | CORE
    assert deps == code_units(stage)


def test_tracked_keys_are_exactly_the_keys_read(resolved):
    plan, typed_sections = yaml.safe_load((ROOT / "params.yaml").read_text()), {}
    for stage in RUNS:
        for name in plan[stage]:
            tracked = {key for dep in resolved[f"{stage}@{name}"].params for key in dep.params}
            assert tracked == set(resolve_run(stage, name, plan, "plan", typed_sections).keys)


def test_label_free_runs_do_not_depend_on_labels(resolved):
    for name, stage in resolved.items():
        label_free = name.startswith("pretrain@") or (
            name.startswith(("search@", "score@")) and "no-labels" in stage.cmd
        )
        if label_free:
            assert not [dep for dep in stage.deps if str(dep).endswith("/labels")], name


def test_only_dvc_yaml_spells_paths_of_results():
    for file in (ROOT / "stages").rglob("*.py"):
        tree = ast.parse(file.read_text())
        documentation = {
            node.body[0].value
            for node in ast.walk(tree)
            if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef)
            and node.body
            and isinstance(node.body[0], ast.Expr)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                spelled = node.value.startswith("results/") and node not in documentation
                assert not spelled, f"{file}: {node.value!r}"


def test_every_job_names_an_environment_that_installs_the_lock():
    plan = yaml.safe_load((ROOT / "params.yaml").read_text())
    for stage, asked in plan["resources"].items():
        file = ROOT / "workflow" / "envs" / f"{asked['environment']}.yaml"
        *conda, pip = yaml.safe_load(file.read_text())["dependencies"]
        assert "python=3.11" in conda, stage
        (requirement,) = pip["pip"]
        # Snakemake reads a copy in .snakemake/conda, as deep below the project as workflow/envs.
        lock = (file.parent / requirement.removeprefix("-r ")).resolve()
        assert lock == ROOT / "requirements.txt"


def test_the_lock_pins_everything_that_is_asked_for():
    pinned = {}
    for line in (ROOT / "requirements.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            name, version = line.split("==")
            pinned[name.lower().replace("_", "-")] = version
    for line in (ROOT / "requirements.in").read_text().splitlines():
        asked = line.partition("#")[0].strip()
        if asked:
            name, _, version = asked.partition("==")
            assert pinned[name] == (version or pinned[name]), name
