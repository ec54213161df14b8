"""The same graph through a real Slurm cluster of one machine: same bits, also after preemption."""

from __future__ import annotations

import copy
import importlib.util
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from tests.scenarios.project import Project
from tests.scenarios.slurm_cluster import SlurmCluster, missing

SEARCH, SCORE = "search@ssnas-digits-s0", "score@ssnas-digits-s0"
LOG = Path("logs/search/ssnas-digits-s0.log")
WRITTEN = (
    "results/search/ssnas-digits-s0/genotype.json",
    "results/search/ssnas-digits-s0/alphas.json",
    "results/search/ssnas-digits-s0/metrics.json",
    "results/score/ssnas-digits/ssnas-digits-s0/metrics.json",
)
EPOCH = re.compile(r"^search ssnas-digits-s0 (\d+)/12 ", re.MULTILINE)

lacking = missing()
if not os.environ.get("NASSL_SLURM_TEST"):
    lacking = "it is started by `make cluster-test`"
if importlib.util.find_spec("snakemake_executor_plugin_slurm") is None:
    lacking = lacking or "pip install --requirement requirements-cluster.txt"
pytestmark = pytest.mark.skipif(bool(lacking), reason=f"no Slurm here: {lacking}")


@pytest.fixture
def projects(tmp_path):
    """Two copies with the same plan: one that has run on local cores, one with the data only."""
    local = Project(
        tmp_path / "local", "scale=smoke", "recipe.search.epochs=12", "resources.search.gpus=1",
        "resources.search.retries=2",
    )  # fmt: skip
    local.run("dvc", "repro", "prepare@digits")
    shutil.copytree(local.folder, tmp_path / "slurm", symlinks=True)
    slurm = copy.copy(local)
    slurm.folder = tmp_path / "slurm"
    local.snakemake(f".snakemake/dvc/{SCORE}.done")
    return local, slurm


@pytest.fixture
def cluster(tmp_path):
    with SlurmCluster(tmp_path / "cluster", cores=2) as cluster:
        yield cluster


def test_preempted_jobs_give_the_bits_of_local_cores(projects, cluster):
    local, slurm = projects
    command = [
        "snakemake", "--profile", "workflow/profiles/slurm", "--latency-wait", "5",
        "--slurm-init-seconds-before-status-checks", "1", "--seconds-between-status-checks", "1",
        "--", f".snakemake/dvc/{SCORE}.done",
    ]  # fmt: skip
    with (slurm.folder / "out").open("w") as out, subprocess.Popen(
        command, cwd=slurm.folder, env=slurm.environment, stdout=out, stderr=out
    ) as main:  # fmt: skip
        first = job_in_epoch(slurm, cluster, main, 1)
        asked = cluster.command("scontrol", "show", "job", first)
        assert "NumTasks=1" in asked
        assert "gres:gpu:1" in asked
        assert "TimeLimit=00:30:00" in asked
        cluster.command("scancel", "--signal=TERM", first)

        second = job_in_epoch(slurm, cluster, main, 4, not_before=(first,))
        assert epochs(slurm)[0] > 1  # it continued from the checkpoint
        cluster.command("scontrol", "requeue", second)
        assert main.wait(240) == 0, (slurm.folder / "out").read_text()

    assert epochs(slurm)[-1] == 12
    assert epochs(slurm)[0] > 1
    assert "Restarts=1" in cluster.command("scontrol", "show", "job", second)
    for name in WRITTEN:
        assert (slurm.folder / name).read_bytes() == (local.folder / name).read_bytes(), name
    assert {SEARCH, SCORE}.isdisjoint(slurm.stale())


def job_in_epoch(
    project: Project, cluster: SlurmCluster, main: subprocess.Popen, epoch: int, not_before=()
) -> str:
    """Number of the running job, once its log shows that `epoch` has ended."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and main.poll() is None:
        running = cluster.command("squeue", "-h", "-t", "R", "-o", "%i").split()
        new = [job for job in running if job not in not_before]
        if new and any(number >= epoch for number in epochs(project)):
            return new[0]
        time.sleep(0.1)
    log = project.folder / LOG
    text = (project.folder / "out").read_text() + (log.read_text() if log.exists() else "no log")
    raise AssertionError(f"no job reached epoch {epoch}:\n{text[-4000:]}")


def epochs(project: Project) -> list[int]:
    log = project.folder / LOG
    return [int(number) for number in EPOCH.findall(log.read_text())] if log.exists() else []
