"""`make chaos`: the whole graph, killed again and again, gives the bits of an uninterrupted run.

Two copies of the project run the same plan. One is left alone (or exists already: --against takes a
project folder in which the same code has run the same plan). The other is killed with SIGKILL at
random moments: some while the graph starts, the others within a stage, drawn so that every stage
that trains is hit. What is killed is drawn too: all of it (Snakemake, DVC, stages), or only
Snakemake, or Snakemake with DVC's processes, or Snakemake with the stages; the rest keep running as
orphans. With --collide, every start also finds DVC's list of paths in use full of entries whose
process numbers belong to a zombie, to an unrelated process, or to a machine that is not this one.

It is started again at once, until nothing is left to do. Starts that fail without having been
killed are counted. Then every file under results/ is compared, bit by bit, except what depends on
the clock: cost.json, and the columns of the tables that come from it.

Example: python -m tests.scenarios.chaos --plan scale=smoke --kills 20      (about ten minutes)
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import signal
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

from tests.scenarios.project import Project

COMMAND = ("snakemake", "--profile", "workflow/profiles/local", "--cores")
TRAINING = ("search", "score", "retrain", "pretrain", "probe", "transfer")
OF_A_CLOCK = {  # keys of the tables
    "search_device_days", "search_device", "training_seconds", "device", "commit", "cost",
    "seconds",
}  # fmt: skip
POLL = 0.05  # seconds
MADE = ("results", ".checkpoints", ".dvc/cache", "dvc.lock")  # by the graph, in the project


# What is killed beside Snakemake itself, and how often it is drawn.
VICTIMS = {"everything": 5, "Snakemake alone": 2, "Snakemake and DVC": 2, "Snakemake and stages": 1}


class Chaos:
    """Kills a project's graph. `kills` counts them by what was running, `victims` by what was
    killed, `starts` all starts, `failed` those that failed without having been killed."""

    def __init__(
        self, project: Project, seed: int, longest: float, cores: int = 2, collide: bool = False
    ) -> None:
        self.project, self.longest, self.collide = project, longest, collide
        self.command = (*COMMAND, str(cores))
        self.random = random.Random(seed)
        self.kills: Counter[str] = Counter()
        self.victims: Counter[str] = Counter()
        self.starts = 0
        self.failed: list[str] = []  # ends of their logs
        # Within a short epoch as well: when a checkpoint is written never changes a result.
        project.environment["NASSL_CHECKPOINT_SECONDS"] = "0.2"

    def begin_again(self) -> None:
        """Removes everything that the graph has made; to be called before it starts or after its
        end."""
        for place in MADE:
            self.project.run("rm", "-rf", place)

    def run(self, wanted: dict[str, int], patience: int = 400) -> None:
        """Starts and kills until `wanted` (kills by stage; `start` while the graph starts) is used
        up or the graph is done, then lets it end. Raises AssertionError if it does not end, or five
        starts have failed."""
        wanted = dict(wanted)
        for _ in range(patience):
            if self._start_and_kill(wanted) == "done":
                return
            assert len(self.failed) < 5, f"starts that failed:\n{self.failed[-1]}"
        raise AssertionError(f"not done after {self.starts} starts; killed: {dict(self.kills)}")

    def _start_and_kill(self, wanted: dict[str, int]) -> str:
        """`killed`, `failed`, or `done` if it came to its end."""
        self.starts += 1
        if self.collide:
            plant(self.project.folder)
        log = self.project.folder / "chaos.log"
        with log.open("a") as file:
            group = subprocess.Popen(
                self.command, cwd=self.project.folder, env=self.project.environment,
                stdout=file, stderr=file, start_new_session=True,
            )  # fmt: skip
        early = wanted.get("start", 0) > 0 and self.random.random() < 0.3
        moment = time.monotonic() + self._while() if early else None
        target = "start"
        while group.poll() is None:
            if moment is None:
                there = [stage for stage in running(group.pid) if wanted.get(stage, 0) > 0]
                if there:
                    target = self.random.choice(sorted(there))
                    moment = time.monotonic() + self._while()
            elif time.monotonic() >= moment:
                hit = running(group.pid) or ["start"]
                self._kill(group)
                wanted[target] -= 1
                self.kills.update(hit)
                return "killed"
            time.sleep(POLL)
        if group.returncode:
            self.failed.append(log.read_text()[-3000:])
            return "failed"
        return "done"

    def _while(self) -> float:
        """Seconds until a kill, rather short: what starts, loads and opens is hit more often than
        its share of the time."""
        return self.longest * self.random.random() ** 2

    def _kill(self, group: subprocess.Popen) -> None:
        victim = self.random.choices(list(VICTIMS), list(VICTIMS.values()))[0]
        self.victims[victim] += 1
        if victim == "everything":
            os.killpg(group.pid, signal.SIGKILL)
        else:
            words = {"Snakemake and DVC": "dvc_job.py", "Snakemake and stages": "stages."}
            group.kill()
            for number, command in _commands(group.pid):
                if words.get(victim, "nothing") in " ".join(command):
                    with suppress(ProcessLookupError):
                        os.kill(number, signal.SIGKILL)
        group.wait()


def plant(folder: Path) -> None:
    """Entries in DVC's list for every result, which no living process stands for: the number of a
    zombie, of this process, of the machine's first one, in the names of a `dvc` and of jobs."""
    zombie = subprocess.Popen(["true"])
    time.sleep(POLL)  # it ends, and is a zombie until its exit code is read
    numbers = (zombie.pid, os.getpid(), 1)
    commands = ("/elsewhere/bin/dvc repro", "workflow/dvc_job.py search@of-another-machine")
    results = [path for path in (folder / "results").glob("*/*") if path.is_dir()]
    entries = [{"pid": n, "cmd": c} for n in numbers for c in commands]
    listed = {
        "write": {str(path): entries[i % len(entries)] for i, path in enumerate(results)},
        "read": {str(path): entries for path in results},
    }
    place = folder / ".dvc" / "tmp" / "rwlock"
    if place.parent.is_dir():
        place.write_text(json.dumps(listed))
    ZOMBIES.append(zombie)


ZOMBIES: list[subprocess.Popen] = []  # kept, so that they are not collected


def running(group: int) -> list[str]:
    """The stages that processes of a process group are running. Linux."""
    found = []
    for _, command in _commands(group):
        for word, name in pairwise(command):
            if word == "-m" and name.startswith("stages.") and "python" in command[0]:
                found.append(name.removeprefix("stages."))
    return found


def _commands(group: int) -> Iterator[tuple[int, list[str]]]:
    """Number and command line of the living processes of a group."""
    for folder in Path("/proc").iterdir():
        try:
            stat = (folder / "stat").read_text().rpartition(")")[2].split()
            if stat[0] != "Z" and int(stat[2]) == group:
                command = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
                yield int(folder.name), command
        except (OSError, ValueError, IndexError):
            continue  # no process, or gone meanwhile


def contents(results: Path, stages: tuple[str, ...] | None = None) -> dict[str, str]:
    """sha256 of every file that does not depend on the clock; of tables, the JSON without times."""
    found = {}
    for path in sorted(results.rglob("*")):
        name = path.relative_to(results).as_posix()
        stage = name.partition("/")[0]
        if not path.is_file() or path.name == "cost.json" or (stages and stage not in stages):
            continue
        content = path.read_bytes()
        if stage == "tables" and path.suffix == ".json":
            content = json.dumps(_without_clock(json.loads(content)), sort_keys=True).encode()
        elif path.parent == results or (stage == "tables" and path.parent.name == "tables"):
            continue  # the same numbers for people to read, including times
        found[name] = hashlib.sha256(content).hexdigest()
    return found


def _without_clock(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without_clock(v) for k, v in value.items() if k not in OF_A_CLOCK}
    return [_without_clock(each) for each in value] if isinstance(value, list) else value


def differences(expected: dict[str, str], found: dict[str, str]) -> list[str]:
    """Names of files that only one side has or that differ."""
    return sorted(n for n in expected.keys() | found.keys() if expected.get(n) != found.get(n))


def spread(kills: int, stages: list[str]) -> dict[str, int]:
    """The number of kills of each stage; a fifth of all happen while the graph starts."""
    first = max(1, kills // 5)
    trained = [stage for stage in stages if stage in TRAINING]
    each = {stage: -(-(kills - first) // len(trained)) for stage in trained}
    return {"start": first, **each}


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.scenarios.chaos",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--plan", nargs="*", default=["scale=toy"], metavar="OVERRIDE")
    parser.add_argument("--kills", type=int, default=40, help="at least")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--longest", type=float, default=15.0, help="seconds into a stage")
    parser.add_argument("--cores", type=int, default=2, help="for Snakemake")
    parser.add_argument("--collide", action="store_true", help="plant entries of dead processes")
    parser.add_argument("--against", type=Path, metavar="FOLDER", help="of an uninterrupted run")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        killed = Project(folder / "killed", *arguments.plan)
        if alone := arguments.against:
            if (alone / "params.yaml").read_text() != (killed.folder / "params.yaml").read_text():
                parser.error(f"{alone}/params.yaml is not the plan of {' '.join(arguments.plan)}")
        else:
            undisturbed = Project(folder / "alone", *arguments.plan)
            start = time.monotonic()
            undisturbed.run(*COMMAND, str(arguments.cores))
            print(f"undisturbed: {time.monotonic() - start:.0f} s", flush=True)
            alone = undisturbed.folder
        expected = contents(alone / "results")
        stages = sorted(path.name for path in (alone / "results").iterdir())
        chaos = Chaos(killed, arguments.seed, arguments.longest, arguments.cores, arguments.collide)
        start, rounds, different = time.monotonic(), 0, []
        while chaos.victims.total() < arguments.kills:  # a short graph ends before: once more
            chaos.begin_again()
            chaos.run(spread(arguments.kills - chaos.victims.total(), stages))
            different += differences(expected, contents(killed.folder / "results"))
            rounds += 1
        seconds = time.monotonic() - start
        stale = killed.stale()
    counted = ", ".join(f"{stage} {count}" for stage, count in sorted(chaos.kills.items()))
    victims = ", ".join(f"{victim} {count}" for victim, count in chaos.victims.most_common())
    print(f"killed {chaos.victims.total()} times in {seconds:.0f} s: {victims}")
    print(f"running when killed: {counted}")
    print(f"{chaos.starts - 1} restarts, {len(chaos.failed)} failed")
    print(
        f"{len(expected)} files compared after each of {rounds} rounds, {len(different)} differ; "
        f"{len(stale)} stages stale"
    )
    for file in different[:20]:
        print(f"  differs: {file}")
    return 1 if different or stale or chaos.failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
