"""How planning, starting and a job grow with the number of runs: the figures of docs/scaling.md.

Plans of trivial runs (random searches: a genotype drawn and written) in copies of the project.
Their results are not computed but put there, and entered into dvc.lock by DVC's own means.

  plan      `python -m stages.plan` with that many runs
  stale     `snakemake --dry-run`, nothing there yet
  nothing   `snakemake`, everything there
  job       one job, from its start to its entry in dvc.lock, the run's own work included
  dvc job   the same by `dvc repro --single-item`, which reads and writes the whole lock file
  lock      size of dvc.lock in kB

Example: `python -m benchmarks.growth 50 200 1000` (ten minutes, most of them for 1000).
"""

from __future__ import annotations

import resource
import shutil
import sys
from collections.abc import Callable

from tabulate import tabulate

from benchmarks.graph import Project, copied

COLUMNS = ("runs", "plan", "stale", "nothing", "job", "dvc job", "lock")
PUT_THERE = """
import json
import sys
from pathlib import Path
from dvc.repo import Repo
from dvc.stage import serialize
from dvc.utils.serialize import dump_yaml

sys.path.insert(0, "workflow")
from dvc_graph import params_read_once

repo = Repo(".")
entries = {}
with repo.lock, params_read_once():
    for stage in repo.index.stages:
        if stage.name.startswith("search@"):
            folder = Path(stage.outs[0].def_path)
            folder.mkdir(parents=True)
            (folder / "genotype.json").write_text(json.dumps({"of": stage.name}))
        if stage.name.startswith(("prepare@", "search@")):
            stage.save(run_cache=False)
            stage.commit()
            entries |= json.loads(json.dumps(serialize.to_lockfile(stage)))  # no aliases
dump_yaml("dvc.lock", {"schema": "2.0", "stages": entries})
"""


def growth(runs: int) -> list[float]:
    """A row of COLUMNS; seconds of CPU."""
    with copied(runs) as project:
        jobs = [f".snakemake/dvc/search@{name}.done" for name in project.names]
        plan = seconds(lambda: plan_of(project, runs))
        project.run("dvc", "repro", f"prepare@{project.prepared}")
        snakemake = ("snakemake", "--quiet", "all", "--cores", "2")
        targets = ("--", *jobs)
        stale = seconds(lambda: project.run(*snakemake, "--dry-run", *targets))
        project.python("-c", PUT_THERE)
        nothing = seconds(lambda: project.run(*snakemake, *targets))
        size = (project.folder / "dvc.lock").stat().st_size / 1000
        job = one_job(project, sys.executable, "workflow/dvc_job.py")
        theirs = one_job(project, "dvc", "repro", "--single-item")
    return [runs, plan, stale, nothing, job, theirs, size]


def plan_of(project: Project, runs: int) -> None:
    """Half of the runs are searches, half their scores."""
    project.python(
        *("-m", "stages.plan", "scale=smoke", "only=[ssnas.table1/Random sampling]"),
        *(f"seeds.search={runs // 2}", "--out", "another.yaml"),
    )


def one_job(project: Project, *command: str) -> float:
    """Seconds of the first search, whose result is gone and whose seed is new."""
    plan = project.folder / "params.yaml"
    line = next(x for x in plan.read_text().splitlines() if x.strip().startswith("seed: 0"))
    shutil.rmtree(project.folder / "results" / "search" / project.names[0])
    plan.write_text(plan.read_text().replace(line, line.replace("0", "12345"), 1))
    taken = seconds(lambda: project.run(*command, f"search@{project.names[0]}"))
    plan.write_text(plan.read_text().replace(line.replace("0", "12345"), line, 1))
    return taken


def seconds(action: Callable[[], None]) -> float:
    """Of CPU, of the processes that the action starts: all are of one thread, and on a busy machine
    wall time says more about the others."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    action()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


if __name__ == "__main__":
    for runs in sys.argv[1:] or (50, 200, 1000):
        print(tabulate([growth(int(runs))], headers=COLUMNS, floatfmt=".1f", tablefmt="github"))
