"""`dvc --wait-for-lock repro --single-item <stage>` that touches only its own lines of dvc.lock.

DVC parses and writes the whole file for every stage, in Python: seconds a job at a hundred runs,
minutes at a thousand (treeverse/dvc, issue 10629). A job needs the entry of its own stage. What is
written is byte for byte what DVC would write, and replaces the file at once, so that a kill leaves
the old one or the new one.

The job holds its lock (`locks.JobLock`) while it or the stage that it started lives: a second start
waits for what a killed one left running instead of writing into its output.

  python workflow/dvc_job.py search@ssnas-digits-s0
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

if __name__ == "__main__":  # DVC takes a second to import: Ctrl-C until then leaves no traceback
    signal.signal(signal.SIGINT, lambda *_: os._exit(75))

import dvc.rwlock
import dvc.stage.run
from dvc.cli import main
from dvc.dvcfile import Lockfile
from dvc.stage import serialize
from dvc.stage.cache import StageCache
from dvc.utils.serialize import dumps_yaml, parse_yaml
from locks import PAUSE, JobLock, RWLock

HEAD = "schema: '2.0'\nstages:\n"


class LockText:
    """dvc.lock as text: `entries[name]` are the lines of a stage, in the order of the file."""

    def __init__(self, text: str) -> None:
        """Raises ValueError for a file that is laid out in another way than DVC does."""
        text = text or HEAD
        if not text.startswith(HEAD):
            raise ValueError("the file does not begin with schema and stages")
        self.entries: dict[str, str] = {}
        lines: list[str] = []
        name = ""
        for line in text[len(HEAD) :].splitlines(keepends=True):
            if line[:2] != "  " and line.strip():
                raise ValueError(f"{line.strip()!r} follows the stages")
            if line[2:3].strip():  # indented by two: the next stage
                if name:
                    self.entries[name] = "".join(lines)
                name, lines = line.strip().removesuffix(":"), []
                if not line.endswith(":\n") or name[0] in "'\"?-#{[&*!|>%@`":
                    raise ValueError(f"{line.strip()!r} is no plain name of a stage")
            lines.append(line)
        if name:
            self.entries[name] = "".join(lines)

    def stage(self, name: str) -> str:
        """A lock file of that stage alone."""
        return HEAD + self.entries[name] if name in self.entries else "schema: '2.0'\n"

    def __str__(self) -> str:
        return HEAD + "".join(self.entries.values())


class StageLock:
    """The methods of dvc.dvcfile.Lockfile that a job of the stage `name` needs."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.load_all, self.dump_all = Lockfile._load, Lockfile.dump_stages

    def load(self, lock: Lockfile, **options: Any) -> tuple[Any, str]:
        path = Path(lock.path)
        try:
            text = LockText(path.read_text(encoding="utf-8")).stage(self.name)
        except (FileNotFoundError, ValueError):
            return self.load_all(lock, **options)
        return Lockfile.validate(parse_yaml(text, lock.path), lock.relpath), text

    def dump(self, lock: Lockfile, stages: list, **options: Any) -> None:
        path = Path(lock.path)
        try:
            before = path.read_text(encoding="utf-8") if path.exists() else ""
            whole = LockText(before)
        except ValueError:
            self.dump_all(lock, stages, **options)
            return
        for stage in stages:
            entry = serialize.to_lockfile(stage, **options)
            whole.entries[stage.name] = dumps_yaml({"stages": entry}).removeprefix("stages:\n")
        if str(whole) == before:
            return
        beside = path.with_name(path.name + ".part")
        with beside.open("w", encoding="utf-8") as file:
            file.write(str(whole))
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
        lock.repo.scm_context.track_file(lock.relpath)


def allow_empty_run_folders() -> None:
    """DVC makes a folder in its run cache, then the entry in it. A kill in between leaves an empty
    folder, of which DVC takes the newest entry: TypeError at every start. It has no entry."""
    load = StageCache._load_cache
    StageCache._load_cache = lambda cache, key, value: value and load(cache, key, value)


def run(name: str) -> int:
    """DVC's exit code. While a command started by hand uses a path of the stage, waits for it."""
    own = StageLock(name)
    Lockfile._load = lambda lock, **options: own.load(lock, **options)
    Lockfile.dump_stages = lambda lock, stages, **options: own.dump(lock, stages, **options)
    dvc.rwlock.rwlock = in_use = RWLock(name)
    allow_empty_run_folders()
    with JobLock(name) as lock:
        prepare = dvc.stage.run.prepare_kwargs
        # The stage inherits the lock, and keeps it if this process is killed.
        dvc.stage.run.prepare_kwargs = lambda *arguments, **options: {
            **prepare(*arguments, **options),
            "pass_fds": [lock.fileno()],
        }
        while True:
            code = main(["--wait-for-lock", "repro", "--single-item", name])
            if code == 0 or not in_use.blocked_by:
                return code
            print(f"{name}: waiting until that command ends", flush=True)
            time.sleep(PAUSE)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.exit(run(sys.argv[1]))
