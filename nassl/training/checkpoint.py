"""Checkpoints of a run: replaced atomically, checked on reading.

They are removed when the run has finished.

A file is one line of JSON (fingerprint of the run, sha256 of what follows, seconds spent so far and
waiting for data, the machine, what changed where the run moved to another one) and a `torch.save`
archive, which is only ever read with `weights_only=True`.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import json
import os
import shutil
import sys
import time
from collections.abc import Callable
from functools import cached_property
from math import inf
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, TextIO

from nassl.files import InputError
from nassl.parallel.processes import barrier, rank, world_size
from nassl.training.cost import Cost
from nassl.training.interruption import Interruption
from nassl.training.moves import differences

INTERVAL = 60.0  # seconds between checkpoints within an epoch
LEAST = 10.0  # seconds between checkpoints at ends of epochs
SHARE = 0.01  # largest share of the time spent writing them
PAUSE = 1.0  # seconds between two looks at a lock that another process holds
HEAD = {"fingerprint", "sha256", "seconds", "waiting", "machine", "moves"}


class Checkpoint:
    """The newest state of one training of a run, and the one before it."""

    def __init__(self, folder: Path, name: str, run: Checkpoints) -> None:
        self.last = folder / f"{name}.ckpt"
        self.before = folder / f"{name}.before.ckpt"
        self.run = run
        self.place = ""  # of the newest saved state, for messages
        self._saved_at = time.monotonic()
        self._took = 0.0

    def due(self, epoch_ends: bool) -> bool:
        """Whether it is time to save: less often if saving is slow, so that it costs <= 1 %."""
        pause = self.run.least if epoch_ends else self.run.interval
        return time.monotonic() - self._saved_at >= max(pause, self._took / self.run.share)

    def save(self, state: dict[str, Any], place: str = "") -> None:
        """Writes another file, syncs it, reads it back, and only then replaces the checkpoint. Of
        several processes only the first writes.

        Raises InputError if it cannot be written (full disk, for example); the previous one stays.
        """
        import torch

        if rank():
            self.place, self._saved_at = place, time.monotonic()
            return
        start = time.monotonic()
        buffer = io.BytesIO()
        torch.save(state, buffer)
        payload = buffer.getbuffer()
        head = {
            "fingerprint": self.run.fingerprint,
            "sha256": hashlib.sha256(payload).hexdigest(),
            "seconds": self.run.cost.seconds,
            "waiting": self.run.cost.waiting,
            "machine": self.run.machine,
            "moves": self.run.cost.moves,
        }
        new = self.last.with_suffix(".new")
        try:
            with new.open("wb") as file:
                file.write(json.dumps(head, sort_keys=True).encode() + b"\n")
                file.write(payload)
                file.flush()
                os.fsync(file.fileno())
            _read(new)  # verifies what was written
            if self.last.exists():
                self.last.replace(self.before)
            new.replace(self.last)
            _sync_folder(self.last.parent)
        except (OSError, ValueError) as error:
            new.unlink(missing_ok=True)
            raise InputError(
                f"{self.last}: the checkpoint cannot be written ({error}); the one before it is "
                "intact; make room there and start the same command again"
            ) from error
        self.place = place
        self._saved_at = time.monotonic()
        self._took = self._saved_at - start

    def load(self, map_location: Any = "cpu") -> dict[str, Any] | None:
        """The newest intact state of exactly this run, or None.

        A damaged file, and one of another plan, input or code, is skipped with a message. Raises
        InputError for an intact one that holds anything but tensors and plain values.
        """
        import torch

        for path in (self.last, self.before):
            if not path.exists():
                continue
            try:
                head, payload = _read(path)
            except ValueError as error:
                print(f"{path}: damaged checkpoint skipped ({error})", file=sys.stderr)
                continue
            if head["fingerprint"] != self.run.fingerprint:
                print(
                    f"{path}: skipped: it belongs to other settings, inputs or code",
                    file=sys.stderr,
                )
                continue
            try:
                state = torch.load(
                    io.BytesIO(payload), map_location=map_location, weights_only=True
                )
            except (UnpicklingError, RuntimeError, EOFError) as error:
                if isinstance(error, torch.OutOfMemoryError):
                    raise
                raise InputError(
                    f"{path} is not an archive of tensors and plain values; not loaded; this "
                    "run did not write it: delete it and start the same command again"
                ) from error
            self.run.go_on_from(path, head)
            return state
        return None


class Checkpoints:
    """All checkpoints of one run, and the time that it has taken over all its starts.

    A context manager, entered once for the whole run: it holds the run's lock and handles signals.
    On success the folder is removed, so outputs are written inside the context. All processes of a
    run read; only the first locks, writes and removes.

    If another process holds the lock: with `wait`, waits until that has ended; otherwise raises
    InputError.

    A run continues from a checkpoint of another machine (`machine`), and says so in its log and in
    cost.json.
    """

    def __init__(
        self,
        folder: Path,
        fingerprint: str,
        machine: Callable[[], dict[str, str]] = dict,
        wait: bool = False,
    ) -> None:
        self.folder = folder
        self.wait = wait
        self.fingerprint = fingerprint
        self._machine = machine
        self.interval, self.least, self.share = INTERVAL, LEAST, SHARE
        # For tests that kill often: when a checkpoint is written never changes a result.
        if "NASSL_CHECKPOINT_SECONDS" in os.environ:
            self.interval = self.least = float(os.environ["NASSL_CHECKPOINT_SECONDS"])
            self.share = inf  # however long writing takes
        self.cost = Cost()
        self.interruption = Interruption()
        self._lock: TextIO | None = None

    def part(self, name: str = "training") -> Checkpoint:
        """The checkpoint of one of the trainings that the run consists of."""
        return Checkpoint(self.folder, name, self)

    def __enter__(self) -> Checkpoints:
        if rank() == 0:
            self._lock = self._acquire()
        spent, waiting = 0.0, [0.0, 0.0]
        for path in self.folder.glob("*.ckpt"):
            try:
                head = _read(path)[0]
            except ValueError:
                continue  # reported by load
            if head["fingerprint"] == self.fingerprint and head["seconds"] > spent:
                spent, waiting = head["seconds"], head["waiting"]
        self.cost = Cost(spent, world_size(), waiting=waiting)
        self.interruption.__enter__()
        return self

    def go_on_from(self, path: Path, head: dict[str, Any]) -> None:
        """Notes what differs between the machine that saved and this one."""
        moves = head["moves"]
        if changed := differences(head["machine"], self.machine):
            moves = [*moves, changed]
            print(
                f"{path}: continues from a checkpoint of another machine ({changed}); bits may "
                "differ from those of an uninterrupted run",
                file=sys.stderr,
            )
        self.cost.moves += [move for move in moves if move not in self.cost.moves]

    @cached_property
    def machine(self) -> dict[str, str]:
        """Known from the first checkpoint on: a run that trains nothing imports no torch."""
        return self._machine()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.interruption.__exit__()
        if kind is None:
            barrier()  # all have finished reading
        if self._lock is not None:  # the first process
            if kind is None:
                shutil.rmtree(self.folder)
            self._lock.close()

    def _acquire(self) -> TextIO:
        """The lock file, locked, with this process's number in it."""
        path = self.folder / "lock"
        said = False
        while True:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = path.open("a+")
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                lock.seek(0)
                text = (
                    f"this run is already running (process {lock.read() or 'unknown'} holds {path})"
                )
                lock.close()
                if not self.wait:
                    raise InputError(f"{text}; wait for it or stop it") from error
                if not said:
                    print(f"{text}; waiting until it ends", file=sys.stderr)
                    said = True
                time.sleep(PAUSE)
                continue
            # Another run may have ended, and removed the folder, between opening and locking.
            if path.exists() and path.stat().st_ino == os.fstat(lock.fileno()).st_ino:
                break
            lock.close()
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        return lock


def _read(path: Path) -> tuple[dict[str, Any], memoryview]:
    """Head and archive. Raises ValueError if the file is not whole."""
    content = memoryview(path.read_bytes())
    end = bytes(content[:4096]).find(b"\n")
    if end < 0:
        raise ValueError("its first line is missing")
    head = json.loads(bytes(content[:end]))
    if not isinstance(head, dict) or head.keys() != HEAD:
        raise ValueError("its first line is not that of a checkpoint")
    if hashlib.sha256(content[end + 1 :]).hexdigest() != head["sha256"]:
        raise ValueError("its hash differs from the recorded one")
    return head, content[end + 1 :]


def _sync_folder(folder: Path) -> None:
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
