"""dvc.yaml against the code: what a stage tracks is what it reads, what it depends on is what it
imports; and Snakemake's jobs are DVC's stages."""

from __future__ import annotations

import ast
import os
import shutil
import sys
import tomllib
from functools import cache
from itertools import chain
from pathlib import Path

import pytest
import yaml
from dvc.repo import Repo
from packaging.requirements import Requirement

from nassl.settings import DATASETS, OBJECTIVES, SPACES, STRATEGIES
from stages.runs.lines import RUNS
from stages.runs.run import resolve_run
from tests.scenarios.project import Project

ROOT = Path(__file__).resolve().parents[2]
STAGES = [*RUNS, "report"]
CODE = ("stages", "nassl")
# Modules that import the implementation which a kind of settings names.
LOADED_BY = {
    "nassl.objectives.build": OBJECTIVES,
    "stages.prepare.__main__": DATASETS,
    "stages.search.evolution": SPACES,
    "stages.search.strategies": STRATEGIES,
}


@pytest.fixture(scope="module")
def resolved():
    return {stage.addressing: stage for stage in Repo(str(ROOT)).index.stages}


@cache
def imported_by(module: str) -> frozenset[str]:
    """Modules of this project that importing `module` brings in, lazily imported ones included."""
    found: set[str] = set()
    for node in ast.walk(ast.parse((ROOT / file_of(module)).read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(
        name for name in found if name.startswith(tuple(f"{c}." for c in CODE)) and file_of(name)
    )


@cache
def file_of(module: str) -> str | None:
    """The module's file; None for a name that is not a module."""
    path = module.replace(".", "/")
    found = [name for name in (f"{path}.py", f"{path}/__init__.py") if (ROOT / name).exists()]
    return found[0] if found else None


def files_run_by(stage: str) -> set[str]:
    pending, seen = [f"stages.{stage}.__main__"], set()
    while pending:
        module = pending.pop()
        if module not in seen:
            seen.add(module)
            pending += imported_by(module)
            pending += {
                kind.implementation.partition(":")[0]
                for kind in LOADED_BY.get(module, {}).values()
                if kind.implementation
            }
    return {file_of(module) for module in seen}


def covers(dependency: str, file: str) -> bool:
    """Whether a change of the file changes the dependency: the file, or a folder that holds it."""
    return file == dependency or file.startswith(f"{dependency}/")


@pytest.mark.parametrize("stage", STAGES)
def test_code_dependencies_are_exactly_the_imports(stage):
    definition = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"][stage]
    listed = definition.get("do", definition)["deps"]
    code = [dep for dep in listed if any(covers(folder, dep) for folder in CODE)]
    files = files_run_by(stage)
    assert not [file for file in files if not any(covers(dep, file) for dep in code)]
    assert not [dep for dep in code if not any(covers(dep, file) for file in files)]


TRAIN = {"search", "score", "retrain", "pretrain", "probe", "transfer"}


@pytest.mark.parametrize(
    ("edited", "stale"),
    [
        ("stages/report/figures/genotypes/dense.py", {"report"}),
        ("stages/search/darts.py", {"search"}),
        ("stages/layouts/folders.py", {"prepare"}),
        ("stages/training/launch.py", TRAIN),
        ("stages/plan/expand.py", set()),
        ("stages/export/formats.py", set()),
        ("nassl/kernels/depthwise.cpp", TRAIN),
        ("nassl/supernets/cell.py", {"search"}),
        ("nassl/networks/build.py", TRAIN),
        ("nassl/objectives/moco.py", TRAIN - {"transfer"}),
        ("nassl/model/facts.py", {"retrain", "pretrain"}),
        ("nassl/loading.py", set()),
        ("nassl/data/views.py", TRAIN - {"transfer"}),
        ("nassl/image_files/decode.py", {*STAGES} - {"select"}),
        ("nassl/genotypes/dense.py", TRAIN | {"select", "report"}),
        ("nassl/settings/recipe.py", {*STAGES}),
    ],
)
def test_an_edit_makes_stale_what_computes_with_it(resolved, edited, stale):
    assert (ROOT / edited).exists()
    found = set()
    for name, stage in resolved.items():
        deps = [Path(dep.fs_path).relative_to(ROOT).as_posix() for dep in stage.deps]
        if any(covers(dep, edited) for dep in deps):
            found.add(name.partition("@")[0])
    assert found == stale


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
    for file in (file for folder in CODE for file in (ROOT / folder).rglob("*.py")):
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


def test_every_job_names_an_environment_that_installs_the_lock(tmp_path, monkeypatch):
    """Complete by itself, wherever Snakemake copies it, and different if a pin changes."""
    monkeypatch.syspath_prepend(str(ROOT / "workflow"))
    from environment import environment

    shutil.copytree(ROOT / "workflow" / "envs", tmp_path / "workflow" / "envs")
    shutil.copy(ROOT / "requirements.txt", tmp_path)
    monkeypatch.chdir(tmp_path)
    plan = yaml.safe_load((ROOT / "params.yaml").read_text())
    lock = (ROOT / "requirements.txt").read_text()
    pins = [line for line in lock.splitlines() if line and not line.startswith("#")]
    for name in {asked["environment"] for asked in plan["resources"].values()}:
        file = Path(environment(name))
        *conda, pip = yaml.safe_load(file.read_text())["dependencies"]
        assert "python=3.11" in conda
        assert pip["pip"] == pins
        script = file.with_name(f"{name}.post-deploy.sh")
        assert script.read_text() == Path(f"workflow/envs/{name}.post-deploy.sh").read_text()
        before = file.read_text()
        Path("requirements.txt").write_text(lock + "one-more==1.0\n")
        assert "- one-more==1.0\n" in Path(environment(name)).read_text() != before
        Path("requirements.txt").write_text(lock)


# What Snakemake calls, noting what it was given: `conda create` may see nothing of the project.
CONDA = """#!{python}
import json, pathlib, sys
log = pathlib.Path({log!r})
if sys.argv[1:3] == ["info", "--json"]:
    print(json.dumps({{"conda_prefix": {log!r}, "platform": "linux-64", "conda_version": "24.7.1",
                      "root_prefix": {log!r}, "config_files": [], "channels": []}}))
elif sys.argv[1:3] == ["config", "--get"] or "channel_priority" in sys.argv:
    print(json.dumps({{"get": {{"channel_priority": "strict"}}}}))
elif "create" in sys.argv:
    file = pathlib.Path(sys.argv[sys.argv.index("--file") + 1])
    text = file.read_text()
    with (log / "created").open("a") as out:
        out.write(f"{{file.parent}} {{'-r ' in text}} {{'torch==' in text}}\\n")
    sys.exit("no conda here")
elif sys.argv[1:] == ["--version"]:
    print("conda 24.7.1")
"""


def test_conda_environments_may_lie_anywhere(tmp_path):
    """As far as Snakemake goes without conda: up to the file that conda would be given."""
    folder, log = tmp_path / "bin", tmp_path / "log"
    folder.mkdir(), log.mkdir()
    (folder / "conda").write_text(CONDA.format(python=sys.executable, log=str(log)))
    (folder / "conda").chmod(0o755)
    project = Project(tmp_path / "project", "scale=smoke", "only=[ssnas.table1/Random sampling]")
    project.environment["PATH"] = f"{folder}{os.pathsep}{project.environment['PATH']}"
    prefix = tmp_path / "elsewhere"
    done = project.attempt(
        "snakemake", "--cores", "1", "--use-conda", "--conda-create-envs-only",
        "--conda-prefix", str(prefix),
    )  # fmt: skip
    created = (log / "created").read_text().splitlines() if (log / "created").exists() else done
    assert created == [f"{prefix} False True"], done.stderr[-3000:]


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


def test_what_is_asked_for_is_what_the_package_and_its_extras_need():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    del extras["lightly"]  # asks for much that its losses do not import; nothing here needs it
    needed = [*project["dependencies"], *chain(*extras.values())]
    asked = [
        Requirement(line)
        for text in (ROOT / "requirements.in").read_text().splitlines()
        if (line := text.partition("#")[0].strip())
    ]
    assert {Requirement(each).name for each in needed} == {each.name for each in asked}
    pinned = dict(
        line.lower().replace("_", "-").split("==")
        for line in (ROOT / "requirements.txt").read_text().splitlines()
        if "==" in line
    )
    for each in map(Requirement, needed):
        assert each.specifier.contains(pinned[each.name]), each
