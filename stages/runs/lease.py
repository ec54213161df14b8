"""Which GPUs of this machine a run has: jobs side by side take turns instead of sharing one.

A scheduler counts GPUs but does not say which one a job on the same machine gets. Every run holds a
lock per device while it runs. Locks are the kernel's (flock): a process that dies, however it dies,
releases its devices. They hold between the jobs of one user on one machine, or inside one Slurm
job; between users and jobs a cluster's scheduler decides, by the CUDA_VISIBLE_DEVICES that it sets.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import takewhile
from pathlib import Path
from typing import IO

from nassl.settings import SettingsError

VISIBLE = "CUDA_VISIBLE_DEVICES"
PAUSE = 0.2  # seconds between two looks at devices that are all taken


def devices_here() -> list[str]:
    """What CUDA_VISIBLE_DEVICES lists; where it is not set, the UUIDs of all of NVIDIA's GPUs."""
    if VISIBLE in os.environ:
        listed = [name.strip() for name in os.environ[VISIBLE].split(",")]
        return [name for name in takewhile(lambda name: name != "-1", listed) if name]  # as CUDA
    if shutil.which("nvidia-smi") is None:
        return []
    listed = subprocess.run(
        ["nvidia-smi", "--query-gpu=uuid", "--format=csv,noheader"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return listed.stdout.split() if listed.returncode == 0 else []


@contextmanager
def leased_devices(count: int) -> Iterator[list[str]]:
    """Waits for `count` free devices, makes them the only visible ones (CUDA_VISIBLE_DEVICES of
    this process and its children), and gives them back at the end.

    Without any device here the run is left to the CPU: an empty list. Raises SettingsError if there
    are some, but fewer than asked for.
    """
    there = devices_here() if count else []
    if not there:
        yield []
        return
    if count > len(there):
        raise SettingsError(
            f"the run asks for {count} GPUs, but this machine shows {len(there)} "
            f"({', '.join(there)}); lower resources.<stage>.gpus, or widen {VISIBLE}"
        )
    before = os.environ.get(VISIBLE)
    with ExitStack() as held:
        mine = _take(count, there, held)
        os.environ[VISIBLE] = ",".join(mine)
        try:
            yield mine
        finally:
            if before is None:
                del os.environ[VISIBLE]
            else:
                os.environ[VISIBLE] = before


def _take(count: int, there: list[str], held: ExitStack) -> list[str]:
    """One job at a time chooses. It keeps what it has until there is enough, so a job that needs
    fewer devices does not overtake one that needs more."""
    folder = _folder()
    with _open(folder / "turn.lock") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        mine: list[str] = []
        while True:
            for name in there:
                if len(mine) < count and name not in mine:
                    file = _open(folder / f"{name.replace('/', '_')}.lock")
                    try:
                        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    except BlockingIOError:
                        file.close()
                    else:
                        held.enter_context(file)
                        mine.append(name)
            if len(mine) == count:
                return sorted(mine, key=there.index)
            time.sleep(PAUSE)


def _folder() -> Path:
    """A folder of this user on this machine. In a Slurm job devices are numbered from 0 again, so
    such a job has its own."""
    scope = os.environ.get("SLURM_JOB_ID", "machine")
    folder = Path(tempfile.gettempdir()) / f"nassl-devices-{os.getuid()}" / scope
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _open(path: Path) -> IO[bytes]:
    return path.open("ab")
