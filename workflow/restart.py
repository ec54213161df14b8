"""Starting again after a kill: what Snakemake and DVC left half-done is repaired first.

One start at a time holds `.snakemake/main.lock`, which the system releases when its process ends,
however it ends. So its holder knows that no other start is at work, and asks the jobs' own locks
which of them an earlier start left running (`locks`). Nothing of the user's is deleted: a file that
a person has to fix stops the start.

  python workflow/restart.py     does the same, for `dvc repro` after a kill
"""

from __future__ import annotations

import fcntl
import os
import sys
import time
from pathlib import Path
from typing import TextIO

from dvc.config import Config
from dvc.schema import COMPILED_LOCKFILE_SCHEMA
from dvc_job import LockText
from locks import commands_by_hand, edited, running_jobs
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from voluptuous import Invalid

sys.path.insert(0, str(Path(__file__).parents[1]))
from nassl.settings import SettingsError
from stages.plan.written import conflict, refuse_unfinished

LOCK = Path(".snakemake/main.lock")
SNAKEMAKES = (Path(".snakemake/locks"), Path(".snakemake/incomplete"))
TMP = Path(".dvc/tmp")
RUN_CACHE = Path(".dvc/cache/runs")
LOCKFILE = Path("dvc.lock")
PLAN = Path("params.yaml")
PAUSE = 1.0  # seconds; a file that is just being written is done after a few
PATIENCE = 10  # such pauses for a command that was started by hand: `dvc status` takes some


class Refused(Exception):
    """What a person has to decide before anything can start."""


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


def start_again() -> list[str]:
    """`put_right`, said on the terminal. Ends the process with code 2 if it refuses."""
    try:
        done = put_right()
    except Refused as error:
        print(error, file=sys.stderr)
        raise SystemExit(2) from None
    for line in done:
        print(line, file=sys.stderr)
    return done


def put_right() -> list[str]:
    """Needs the project's lock; gives what it did, for the user.

    Snakemake's locks, and its marks of incomplete files, are of starts that have ended: DVC says
    what is complete. Entries of dead processes leave DVC's list of paths in use. A dvc.lock of
    which a killed `dvc` wrote only the beginning is moved aside.

    Raises Refused if the plan or dvc.lock waits for a person, or while a `dvc` that was started by
    hand is at work.
    """
    try:
        refuse_unfinished(PLAN)
    except SettingsError as error:
        raise Refused(str(error)) from error
    done = []
    if not _whole(LOCKFILE):
        aside = _free_name(LOCKFILE)
        LOCKFILE.rename(aside)
        done.append(
            f"{LOCKFILE} breaks off in the middle of an entry, as a killed `dvc` leaves it; it is "
            f"now {aside}. What DVC's run cache holds is taken from there, the rest runs again. If "
            f"Git has an older one: `git checkout -- {LOCKFILE}`"
        )
    for folder in SNAKEMAKES:
        for path in folder.rglob("*"):
            if path.is_file():  # names too long for a file are spread over folders
                path.unlink()
    if TMP.is_dir():
        _wait_for_commands_by_hand()
        with edited(TMP, Config(str(TMP.parent))["core"].get("hardlink_lock", False)):
            pass  # written back without dead processes
    jobs = running_jobs()
    for folder in () if jobs else RUN_CACHE.glob("*/*"):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()  # of a kill before its entry was written: DVC stumbles over it
    for job, holder in jobs.items():
        done.append(f"{job} is still running from an earlier start ({holder}): it is waited for")
    return done


def _whole(path: Path) -> bool:
    """False for the beginning of a dvc.lock. A `dvc` started by hand writes it in place, and may be
    doing so at this moment. Raises Refused for one that a person has to fix."""
    for attempt in range(3):
        if attempt:
            time.sleep(PAUSE)
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return True
        except UnicodeDecodeError:
            text = path.read_bytes().decode("utf-8", "replace")
        problem = _problem(text)
        if problem is None:
            return True
    if line := conflict(text):
        raise Refused(
            f"{path}, line {line}: Git's conflict marker; nothing was changed. Take one side "
            f"(`git checkout --theirs {path}` or `--ours`); what the other side knew comes back "
            "from DVC's run cache where that has it, and runs again otherwise"
        )
    if _is_beginning(text):
        return False
    raise Refused(
        f"{path} is not a lock file of DVC ({problem}); nothing was changed. Fix it, take the "
        f"last version from Git (`git checkout -- {path}`), or move it away"
    )


def _problem(text: str) -> str | None:
    try:
        COMPILED_LOCKFILE_SCHEMA(YAML(typ="safe").load(text))
    except (YAMLError, Invalid) as error:
        return " ".join(str(error).split())
    return None


def _is_beginning(text: str) -> bool:
    """Whether only its last entry is broken, and there by an end that came too early."""
    if not text or "schema: '2.0'\nstages:\n".startswith(text):
        return True
    try:
        entries = list(LockText(text[: text.rfind("\n") + 1]).entries.values())
    except ValueError:
        return False
    return _problem("schema: '2.0'\nstages:\n" + "".join(entries[:-1])) is None or len(entries) < 2


def _free_name(path: Path) -> Path:
    number = 1
    while (aside := path.with_name(f"{path.name}.broken-{number}")).exists():
        number += 1
    return aside


def _wait_for_commands_by_hand() -> None:
    for _ in range(PATIENCE):
        if not (there := commands_by_hand(TMP)):
            return
        time.sleep(PAUSE)
    named = ", ".join(f"`{entry['cmd']}` (process {entry['pid']})" for entry in there)
    raise Refused(f"DVC is at work here: {named}; wait until it ends, or stop it, then start again")


if __name__ == "__main__":
    with hold_the_project():
        start_again() or print("nothing had to be repaired")
