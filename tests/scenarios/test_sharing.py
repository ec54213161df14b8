"""docs/sharing.md carried out: results pushed to a remote, and what a colleague gets of them."""

from __future__ import annotations

import copy
import shutil

import pytest

from tests.scenarios.project import Project

# Two rows with one seed each: a run of every stage.
PLAN = (
    "scale=smoke", "paper=[ssnas]", "seeds.search=1",
    "only=[ssnas.table1/Random sampling, ssnas.table4/ResNet-18]",
)  # fmt: skip
TABLE = "results/tables/ssnas.table4.json"


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """A project whose results were computed, committed and pushed, without its working copies."""
    folder = tmp_path_factory.mktemp("shared")
    project = Project(
        folder / "mine", *PLAN, "protocol.linear.recipe.epochs=2"
    )  # fmt: skip
    project.run("dvc", "repro")
    project.run("dvc", "remote", "add", "--default", "shared", str(folder / "remote"))
    project.commit("results of table 4")
    project.run("dvc", "push", "--run-cache")
    return project


@pytest.fixture
def colleague(shared, tmp_path):
    """A fresh clone: no results, no cache."""
    clone = copy.copy(shared)
    clone.folder = tmp_path
    clone.run("git", "clone", "--quiet", str(shared.folder), str(tmp_path / "theirs"))
    clone.folder = tmp_path / "theirs"
    assert not (clone.folder / "results").exists()
    clone.python("-m", "stages.plan", *PLAN, "protocol.linear.recipe.epochs=2")
    assert "params.yaml" not in clone.run("git", "status", "--short")  # the plan that was shared
    return clone


def test_after_a_pull_nothing_is_left_to_do(shared, colleague):
    colleague.run("dvc", "pull")
    assert "up to date" in colleague.run("dvc", "repro")
    assert "Nothing to be done" in colleague.snakemake()
    for path in sorted((shared.folder / "results").rglob("*")):
        if path.is_file():
            theirs = colleague.folder / path.relative_to(shared.folder)
            assert theirs.read_bytes() == path.read_bytes(), path


def test_a_table_comes_back_from_the_cache_alone(shared, colleague):
    """Without the pull: what is missing is fetched on the way, nothing is computed."""
    output = colleague.run("dvc", "repro", "--pull", "report")
    assert "Running stage" not in output
    assert (colleague.folder / TABLE).read_bytes() == (shared.folder / TABLE).read_bytes()


def test_another_plan_computes_only_what_nobody_has(shared, colleague):
    """One more epoch of the linear probe, then the old plan again: both from the same cache."""
    colleague.run("dvc", "pull", "--run-cache")
    colleague.python("-m", "stages.plan", *PLAN, "protocol.linear.recipe.epochs=3")
    stale = colleague.stale()
    assert {name.partition("@")[0] for name in stale} == {"probe", "report"}
    probes = sorted(stale - {"report"})
    colleague.run("dvc", "repro", probes[0])
    assert colleague.stale() - {"report"} == set(probes[1:])
    colleague.python("-m", "stages.plan", *PLAN, "protocol.linear.recipe.epochs=2")
    output = colleague.run("dvc", "repro")
    assert "Running stage" not in output
    assert (colleague.folder / TABLE).read_bytes() == (shared.folder / TABLE).read_bytes()
    shutil.rmtree(colleague.folder)
