"""`make chaos`: the whole graph, killed again and again, ends with the bits of an undisturbed run.

Two copies of the project run the same plan. One is left alone (or stands there already: --against
takes a folder of the project where the same code has run the same plan). Of the other, the process
group (Snakemake, DVC, all stages) gets SIGKILL at random moments: some while the graph starts, the
others within a stage, drawn so that every stage that trains is hit. It is started again at once,
until nothing is left to do. Then every file under results/ is compared, bit by bit, but for what a
clock writes: cost.json, and the columns of the tables that come from it.

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


class Chaos:
    """Kills a project's graph. `kills` counts them by what was running, `starts` all starts."""

    def __init__(self, project: Project, seed: int, longest: float, cores: int = 2) -> None:
        self.project, self.longest = project, longest
        self.command = (*COMMAND, str(cores))
        self.random = random.Random(seed)
        self.kills: Counter[str] = Counter()
        self.starts = 0
        # Within a short epoch as well: when a checkpoint is written never changes a result.
        project.environment["NASSL_CHECKPOINT_SECONDS"] = "0.2"

    def run(self, wanted: dict[str, int], patience: int = 200) -> None:
        """Starts and kills until `wanted` (kills by stage; `start` while the graph starts) is used
        up or the graph is done, then lets it end. Raises AssertionError if it does not."""
        wanted = dict(wanted)
        for _ in range(patience):
            if not self._start_and_kill(wanted):
                return
        raise AssertionError(f"not done after {self.starts} starts; killed: {dict(self.kills)}")

    def _start_and_kill(self, wanted: dict[str, int]) -> bool:
        """Whether it was killed; otherwise the graph is done."""
        self.starts += 1
        log = self.project.folder / "chaos.log"
        with log.open("a") as file:
            group = subprocess.Popen(
                self.command, cwd=self.project.folder, env=self.project.environment,
                stdout=file, stderr=file, start_new_session=True,
            )  # fmt: skip
        early = wanted.get("start", 0) > 0 and self.random.random() < 0.3
        moment = time.monotonic() + self.random.uniform(0.5, self.longest) if early else None
        target = "start"
        while group.poll() is None:
            if moment is None:
                there = [stage for stage in running(group.pid) if wanted.get(stage, 0) > 0]
                if there:
                    target = self.random.choice(sorted(there))
                    moment = time.monotonic() + self.random.uniform(0.5, self.longest)
            elif time.monotonic() >= moment:
                hit = running(group.pid) or ["start"]
                os.killpg(group.pid, signal.SIGKILL)
                group.wait()
                wanted[target] -= 1
                self.kills.update(hit)
                _wait_until_gone(group.pid)
                return True
            time.sleep(POLL)
        end = log.read_text()[-3000:]
        assert group.returncode == 0, f"Snakemake ended with {group.returncode}:\n{end}"
        return False


def running(group: int) -> list[str]:
    """The stages that processes of a process group are running. Linux."""
    found = []
    for command in _commands(group):
        for word, name in pairwise(command):
            if word == "-m" and name.startswith("stages.") and "python" in command[0]:
                found.append(name.removeprefix("stages."))
    return found


def _commands(group: int) -> Iterator[list[str]]:
    for folder in Path("/proc").iterdir():
        try:
            stat = (folder / "stat").read_text().rpartition(")")[2].split()
            if stat[0] != "Z" and int(stat[2]) == group:
                yield (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
        except (OSError, ValueError, IndexError):
            continue  # no process, or gone meanwhile


def _wait_until_gone(group: int) -> None:
    end = time.monotonic() + 30
    while list(_commands(group)):
        assert time.monotonic() < end, f"processes of group {group} outlive SIGKILL"
        time.sleep(POLL)


def contents(results: Path, stages: tuple[str, ...] | None = None) -> dict[str, str]:
    """sha256 of every file that no clock has a part in; of the tables, their JSON without it."""
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
            continue  # the same numbers written for people, times among them
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
    """So many kills of every stage that there is; a fifth of all while the graph starts."""
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
    parser.add_argument("--kills", type=int, default=40, help="at least, if the graph lasts")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--longest", type=float, default=15.0, help="seconds into a stage")
    parser.add_argument("--cores", type=int, default=2, help="for Snakemake")
    parser.add_argument("--against", type=Path, metavar="FOLDER", help="of an undisturbed run")
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
        chaos = Chaos(killed, arguments.seed, arguments.longest, arguments.cores)
        start = time.monotonic()
        wanted = spread(arguments.kills, stages)
        chaos.run(wanted)
        seconds = time.monotonic() - start
        different = differences(expected, contents(killed.folder / "results"))
        stale = killed.stale()
    counted = ", ".join(f"{stage} {count}" for stage, count in sorted(chaos.kills.items()))
    print(f"killed {chaos.starts - 1} times in {seconds:.0f} s; processes hit: {counted}")
    print(f"{len(expected)} files compared, {len(different)} differ; {len(stale)} stages stale")
    for file in different[:20]:
        print(f"  differs: {file}")
    return 1 if different or stale else 0


if __name__ == "__main__":
    raise SystemExit(main())
