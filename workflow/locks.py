"""Which processes are at work here: a lock per job, and DVC's paths in use (`.dvc/tmp/rwlock`).

DVC's list names processes by their numbers. After a kill a number may belong to a zombie, to an
unrelated process, or to one on another machine, and DVC refuses to start until the file is deleted
by hand. A job of the graph therefore holds a lock of the system's (flock) as long as it or the
stage that it started lives: an entry of a job counts if that lock is held, on whichever node. An
entry of a `dvc` started by hand counts if a process of that number runs that very command here.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import dvc.rwlock
import psutil
from dvc.fs import localfs
from dvc.lock import LockError, make_lock

JOBS = Path(".dvc/tmp/jobs")
LIST = "rwlock"  # in .dvc/tmp
PAUSE = 1.0  # seconds between two looks at a lock that is held
SAID_EVERY = 60  # such looks
Entry = dict[str, Any]  # {"pid": ..., "cmd": ...}


class JobLock:
    """The lock of the job `name`; the file holds the process that took it. Entering it waits for
    what an earlier start left running of this job."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.path = JOBS / f"{name}.lock"
        self._file: TextIO | None = None

    def __enter__(self) -> JobLock:
        looks = 0
        while not self._take():
            looks += 1
            if looks % SAID_EVERY == 2:  # at the first look another process may just be looking
                print(
                    f"{self.name} is still running from an earlier start "
                    f"({self.path.read_text()}); waiting until it ends",
                    flush=True,
                )
            time.sleep(PAUSE)
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def fileno(self) -> int:
        """For a child process that should hold the lock, too."""
        return self._file.fileno()

    def _take(self) -> bool:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self.path.open("a")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.close()
            return False
        self._file.truncate(0)
        self._file.write(f"process {os.getpid()} on {os.uname().nodename}")
        self._file.flush()
        return True

    @property
    def held(self) -> bool:
        """Whether any process holds the lock, including this one."""
        try:
            with self.path.open("r+") as file:  # shared: lookers do not block each other
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except OSError:
            return True
        return False


def running_jobs() -> dict[str, str]:
    """Jobs whose lock is held, and by which process."""
    locks = [JobLock(path.name.removesuffix(".lock")) for path in sorted(JOBS.glob("*.lock"))]
    return {lock.name: lock.path.read_text() for lock in locks if lock.held}


def job_of(entry: Entry) -> str | None:
    """The job that an entry of DVC's list belongs to, None for another command."""
    script, _, name = entry["cmd"].partition(" ")
    return name if script.endswith("dvc_job.py") else None


def is_alive(entry: Entry, own_job: str | None = None) -> bool:
    """Whether the process of an entry is at work. `own_job`: the job whose lock this process holds;
    an entry that another process left in its name is of a dead one."""
    if (job := job_of(entry)) is not None:
        return entry["pid"] == os.getpid() if job == own_job else JobLock(job).held
    try:
        process = psutil.Process(entry["pid"])
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        running = " ".join(process.cmdline())
    except psutil.Error:  # gone, or another user's
        return False
    # DVC records sys.argv. Its first word differs from what was typed after `python -m`; it is `-c`
    # for code, and empty in an interactive session.
    program, _, arguments = entry["cmd"].partition(" ")
    if program in ("-c", ""):
        return "python" in running
    return running.endswith(entry["cmd"] if not arguments else f" {arguments}")


class RWLock:
    """What dvc.rwlock.rwlock does, for a job of the graph: entries of dead processes are skipped,
    the file is replaced as a whole, and a half-written one counts as empty."""

    def __init__(self, job: str) -> None:
        self.job = job
        self.blocked_by: list[Entry] = []  # of the last attempt that failed

    @contextmanager
    def __call__(
        self, tmp_dir: str, fs: Any, cmd: str, read: list[str], write: list[str], hardlink: bool
    ) -> Iterator[None]:
        """Raises LockError if a path is in use, and notes by whom."""
        me: Entry = {"pid": os.getpid(), "cmd": cmd}
        added: list[tuple[str, str]] = []
        with edited(Path(tmp_dir), hardlink, self.job) as users:
            self.blocked_by = [
                user
                for way, paths in (("write", read + write), ("read", write))
                for path in users[way]
                if any(localfs.overlaps(mine, path) for mine in paths)
                for user in users[way][path]
                if user != me
            ]
            if self.blocked_by:
                raise LockError(f"in use: {_named(self.blocked_by)}")
            for way, paths in (("read", read), ("write", write)):
                for path in paths:
                    if me not in users[way].setdefault(path, []):
                        users[way][path].append(me)
                        added.append((way, path))
        try:
            yield
        finally:
            with edited(Path(tmp_dir), hardlink, self.job) as users:
                for way, path in added:
                    if me in users[way].get(path, []):
                        users[way][path].remove(me)


@contextmanager
def edited(tmp_dir: Path, hardlink: bool, own_job: str | None = None) -> Iterator[dict]:
    """{"read": {path: entries}, "write": {path: entries}} of living processes, written back at the
    end unless an exception leaves it."""
    guard = make_lock(
        str(tmp_dir / dvc.rwlock.RWLOCK_LOCK),
        tmp_dir=str(tmp_dir),
        hardlink_lock=hardlink,
        wait=True,
    )
    with guard:
        users = {"read": {}, "write": {}}
        before = read_list(tmp_dir / LIST)
        for way, paths in users.items():
            for path, entries in before.get(way, {}).items():
                entries = entries if isinstance(entries, list) else [entries]
                paths[path] = [entry for entry in entries if is_alive(entry, own_job)]
        yield users
        # As DVC has it: one writer a path, none without one.
        content = {
            "write": {path: entries[0] for path, entries in users["write"].items() if entries},
            "read": {path: entries for path, entries in users["read"].items() if entries},
        }
        beside = tmp_dir / f"{LIST}.part"
        beside.write_text(json.dumps(content))
        os.replace(beside, tmp_dir / LIST)


def read_list(path: Path) -> dict[str, Any]:
    """DVC's list; a missing, half-written or foreign one is empty."""
    try:
        return dvc.rwlock.SCHEMA(json.loads(path.read_text()))
    except (FileNotFoundError, ValueError, dvc.rwlock.Invalid):
        return {}


def commands_by_hand(tmp_dir: Path) -> list[Entry]:
    """Living entries that are no job's, each once."""
    found = {}
    for paths in read_list(tmp_dir / LIST).values():
        for entries in paths.values():
            for entry in entries if isinstance(entries, list) else [entries]:
                if job_of(entry) is None and is_alive(entry):
                    found[entry["pid"]] = entry
    return list(found.values())


def _named(entries: list[Entry]) -> str:
    return ", ".join(sorted({f"{entry['cmd']} (process {entry['pid']})" for entry in entries}))
