"""Starting again after a kill: what Snakemake and DVC left half-done is put right first.

One start at a time holds `.snakemake/main.lock`, which the system takes back when its process ends,
however it ends. So whoever holds it knows that all other traces are of processes that are gone.
"""

from __future__ import annotations

import fcntl
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from dvc.schema import COMPILED_LOCKFILE_SCHEMA
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from voluptuous import Invalid

LOCK = Path(".snakemake/main.lock")
SNAKEMAKE_LOCKS = Path(".snakemake/locks")
RWLOCK = Path(".dvc/tmp/rwlock")
LOCKFILE = Path("dvc.lock")
PAUSE = 1.0  # seconds; whoever is just writing a file is done after a few


def hold_the_project() -> TextIO:
    """The lock, held as long as the file is open. Ends the process with code 2 if another start
    holds it."""
    LOCK.parent.mkdir(exist_ok=True)
    lock = LOCK.open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.seek(0)
        print(
            f"Snakemake is already running here (process {lock.read() or 'unknown'} holds {LOCK}); "
            "wait for it or stop it",
            file=sys.stderr,
        )
        raise SystemExit(2) from None
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    return lock


def put_right() -> list[str]:
    """Removes what a killed process left; gives what it removed. Needs the project's lock.

    Snakemake's locks are only ever removed by the process that wrote them. DVC writes rwlock and
    dvc.lock in place: a kill may leave half a file, with which no DVC command starts. What dvc.lock
    knew comes back from DVC's run cache, without training anything again.
    """
    removed = [*(SNAKEMAKE_LOCKS.glob("*.lock") if SNAKEMAKE_LOCKS.is_dir() else ())]
    for path, is_whole in ((RWLOCK, _is_json), (LOCKFILE, _is_lockfile)):
        if path.exists() and _stays_broken(path, is_whole):
            removed.append(path)
    for path in removed:
        path.unlink()
    return [str(path) for path in removed]


def _stays_broken(path: Path, is_whole: Callable[[Path], bool]) -> bool:
    """A `dvc` that was started by hand may be writing it at this moment."""
    for _ in range(3):
        if is_whole(path):
            return False
        time.sleep(PAUSE)
    return True


def _is_json(path: Path) -> bool:
    try:
        json.loads(path.read_text())
    except ValueError:
        return False
    return True


def _is_lockfile(path: Path) -> bool:
    try:
        COMPILED_LOCKFILE_SCHEMA(YAML(typ="safe").load(path.read_text()))
    except (YAMLError, UnicodeDecodeError, Invalid):
        return False
    return True
