"""What code must not do: load pickles, run strings, pass a plan's values to a shell."""

from __future__ import annotations

import ast
import dataclasses
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from stages.runs.lines import RUNS

ROOT = Path(__file__).resolve().parents[2]
SOURCES = [
    path
    for folder in ("nassl", "stages", "workflow", "benchmarks")
    for path in sorted((ROOT / folder).rglob("*.py"))
]
FORBIDDEN_MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "shelve", "marshal", "joblib"}
FORBIDDEN_CALLS = {
    "eval", "exec", "os.system", "os.popen", "yaml.load", "yaml.unsafe_load", "yaml.full_load",
    "subprocess.getoutput", "subprocess.getstatusoutput", "shutil.unpack_archive",
    "extractall", "extract_archive", "download_and_extract_archive", "urlretrieve",
}  # fmt: skip
NEEDED = {"torch.load": ("weights_only", True), "np.load": ("allow_pickle", False)}


def offences(source: str) -> list[str]:
    """Everything in `source` that is forbidden, with its line."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names]
            if isinstance(node, ast.ImportFrom):
                # Of the module pickle its error alone is harmless.
                names = [] if names == ["UnpicklingError"] else [node.module or ""]
            found += [f"{node.lineno}: {n}" for n in names if n.split(".")[0] in FORBIDDEN_MODULES]
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        keywords = {word.arg: ast.unparse(word.value) for word in node.keywords}
        if name in FORBIDDEN_CALLS or name.rpartition(".")[2] in FORBIDDEN_CALLS - {"eval"}:
            found.append(f"{node.lineno}: {name}")
        if keywords.get("shell", "False") != "False":
            found.append(f"{node.lineno}: shell=True")
        if name in NEEDED:
            key, value = NEEDED[name]
            if keywords.get(key) != str(value):
                found.append(f"{node.lineno}: {name} without {key}={value}")
    return found


def test_no_code_loads_pickles_or_runs_strings():
    assert len(SOURCES) > 80
    assert {str(p.relative_to(ROOT)): o for p in SOURCES if (o := offences(p.read_text()))} == {}


@pytest.mark.parametrize(
    "source",
    [
        "import pickle", "from joblib import load", "eval(text)", "os.system(text)",
        "subprocess.run(text, shell=True)", "torch.load(f)", "torch.load(f, weights_only=False)",
        "np.load(f)", "archive.extractall(path)", "yaml.load(f, Loader=yaml.Loader)",
    ],
)  # fmt: skip
def test_the_search_finds_what_it_looks_for(source):
    assert offences(source)


def test_commands_are_made_of_names_that_were_checked():
    """Of a plan, DVC's commands hold the names of runs and strings of their lines alone, which
    `stages.plan.checks.names` restricts to letters, digits and . _ - /."""
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    for stage, definition in stages.items():
        command = definition.get("do", definition)["cmd"]
        for inserted in re.findall(r"\$\{([^}]*)\}", command):
            if inserted != "key":
                section, _, field = inserted.partition(".")
                types = {f.name: f.type for f in dataclasses.fields(RUNS[stage])}
                assert (section, types[field]) == ("item", "str"), f"{stage}: {inserted}"
        bare = re.sub(r"\$\{[^}]*\}", "x", command)
        assert re.fullmatch(r"[A-Za-z0-9 ./_=:,@+%\n-]*", bare), f"{stage}: {command}"
    shell = [line for line in (ROOT / "Snakefile").read_text().splitlines() if "shell:" in line]
    assert shell
    for line in shell:
        assert all(name.endswith(":q") for name in re.findall(r"\{([^}]*)\}", line)), line


def test_a_plan_with_a_shell_in_it_starts_no_job(tmp_path):
    """Written past the check of `stages.plan`: the graph itself refuses it."""
    (tmp_path / "dvc.yaml").write_text(
        "stages:\n  s:\n    foreach: ${runs}\n    do:\n      cmd: echo ${key}\n      outs: [o]\n"
    )
    (tmp_path / "params.yaml").write_text("runs: {'a; touch harmed': 1}\n")
    code = f"import sys; sys.path.insert(0, {str(ROOT / 'workflow')!r})\n"
    code += "import dvc_graph\ndvc_graph.Graph()"
    for command in (["git", "init", "-q"], ["dvc", "init", "-q"]):
        program = [sys.executable, "-m"] if command[0] == "dvc" else []
        subprocess.run([*program, *command], cwd=tmp_path, check=True)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "holds ';', which a shell may read as something else" in done.stderr
    assert not (tmp_path / "harmed").exists()
