"""What the graph and a stage's start cost, apart from any work.

Claims:
  job_overhead   seconds of wall per run: 20 random searches (each a genotype drawn and written)
                 through the real Snakefile, in a copy of the project. `other` is the same 20
                 commands without Snakemake and DVC, as many at once as there are cores; the ratio
                 is ours / other. `idle` is what starting the graph costs when nothing is stale; it
                 is part of `ours`
  stage_startup  seconds until a stage that trains has imported what it needs and opens its data
                 (`pretrain`, which then finds none); `other` is `python -c "import torch"`, the
                 ratio ours / other. `help` and `random_search`, which need no torch, are beside it

Example: `python -m benchmarks.graph stage_startup` (half a minute).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import yaml

from benchmarks.measure import command, compare, interleaved, record

ROOT = Path(__file__).resolve().parents[1]
RUNS, CORES = 20, os.cpu_count() or 1
NOTHING = Path("nothing-here")  # where images are looked for


class Project:
    """A copy of the project's files whose plan is one data set and `runs` random searches."""

    def __init__(self, folder: Path, runs: int) -> None:
        self.folder, self.names = folder, [f"r{number}" for number in range(runs)]
        listed = subprocess.run(
            ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
        )
        for name in listed.stdout.splitlines():
            if name != "dvc.lock" and (ROOT / name).exists():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, folder / name)
        self.run("git", "init", "--quiet")
        self.python("-m", "stages.plan", "scale=smoke")
        plan = folder / "params.yaml"
        tree = yaml.safe_load(plan.read_text())
        line = next(line for line in tree["search"].values() if line["strategy"] == "random")
        self.pretrain = next(iter(tree["pretrain"]))
        tree["prepare"] = {line["data"]: tree["prepare"][line["data"]]}
        tree["search"] = {name: line | {"seed": seed} for seed, name in enumerate(self.names)}
        for stage in ("score", "select", "retrain", "probe"):
            tree[stage] = {}
        self.prepared = line["data"]
        self._plan_with_pretrain = yaml.safe_dump(tree, sort_keys=False)
        tree["pretrain"] = {}
        plan.write_text(yaml.safe_dump(tree, sort_keys=False))

    def run(self, *arguments: str, status: int = 0) -> None:
        """Raises RuntimeError with the output unless the command ends with `status`."""
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            arguments,
            cwd=self.folder,
            env={**os.environ, "PATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != status:
            end = (done.stdout + done.stderr)[-2000:]
            raise RuntimeError(f"{' '.join(arguments)} ended with {done.returncode}:\n{end}")

    def python(self, *arguments: str, status: int = 0) -> None:
        self.run(sys.executable, *arguments, status=status)

    def search(self, name: str) -> None:
        """The command of dvc.yaml."""
        data = f"results/prepare/{self.prepared}"
        self.python(
            *("-m", "stages.search", name),
            *("--images", f"{data}/images", "--labels", f"{data}/no-labels"),
            *("--out", f"results/search/{name}"),
        )

    def through_the_graph(self, *jobs: str) -> float:
        """Wall seconds."""
        start = time.perf_counter()
        flags = [f".snakemake/dvc/{job}.done" for job in jobs]
        self.run("snakemake", "--cores", str(CORES), "--", *flags)
        return time.perf_counter() - start

    def plain(self) -> float:
        """Wall seconds of the same commands by themselves."""
        start = time.perf_counter()
        with ThreadPoolExecutor(CORES) as pool:
            list(pool.map(self.search, self.names))
        return time.perf_counter() - start

    def start_pretraining(self) -> None:
        """Up to the point where it looks for its images."""
        self.python(
            *("-m", "stages.pretrain", self.pretrain, "--images", str(NOTHING)),
            *("--genotype", str(NOTHING), "--out", "results/pretrain/none"),
            status=2,
        )

    def plan_pretraining(self) -> None:
        (self.folder / "params.yaml").write_text(self._plan_with_pretrain)


@contextmanager
def copied(runs: int) -> Iterator[Project]:
    with tempfile.TemporaryDirectory() as name:
        yield Project(Path(name), runs)


def job_overhead(_: int) -> None:
    """Once: the runs are the repetitions."""
    with copied(RUNS) as project:
        project.through_the_graph(f"prepare@{project.prepared}")
        jobs = [f"search@{name}" for name in project.names]
        graph = project.through_the_graph(*jobs)
        idle = project.through_the_graph(*jobs)
        plain = project.plain()
    ours, other = graph / RUNS, plain / RUNS
    note = f"{CORES} jobs at once, {idle:.1f} s when nothing is stale; ours / other"
    record("job_overhead", ours, other, ours / other, "s", RUNS, note=note, idle=idle)


def stage_startup(rounds: int) -> None:
    with copied(1) as project:
        project.plan_pretraining()
        starts = {
            "pretrain": project.start_pretraining,
            "torch": lambda: project.python("-c", "import torch"),
            "help": lambda: project.python("-m", "stages.search"),
            "random search": lambda: project.search(project.names[0]),
        }
        timings = interleaved(starts, rounds)
    short = {name: timings[name].seconds for name in ("help", "random search")}
    compare(
        "stage_startup",
        timings["pretrain"],
        timings["torch"],
        invert=True,
        note=", ".join(f"{name} {seconds:.2f} s" for name, seconds in short.items()),
    )


CLAIMS = {function.__name__: function for function in (job_overhead, stage_startup)}


if __name__ == "__main__":
    command(__doc__, CLAIMS, rounds=5)
