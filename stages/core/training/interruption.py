"""SIGTERM and SIGINT: end at a place from which the run goes on later."""

from __future__ import annotations

import signal
import threading
import time

from stages.core.training.processes import world_size

EXIT_INTERRUPTED = 75  # EX_TEMPFAIL: nothing is wrong, start the same command again
# With several processes one signal may come twice: to the whole group, and handed on by the first.
ECHO = 1.0  # seconds


class Interruption:
    """While entered, SIGTERM and SIGINT end the process with code 75.

    Where `deferred` is set (a training loop), the signal is only noted in `requested`: the loop
    ends its step, saves and leaves by `leave`. A second signal does not wait.
    """

    def __init__(self) -> None:
        self.requested = False
        self.deferred = False
        self._since = 0.0
        self._former: dict[int, object] = {}

    def __enter__(self) -> Interruption:
        if threading.current_thread() is threading.main_thread():  # others may not set handlers
            for number in (signal.SIGTERM, signal.SIGINT):
                self._former[number] = signal.signal(number, self._receive)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._former.items():
            signal.signal(number, handler)
        self._former = {}

    def _receive(self, number: int, _frame: object) -> None:
        if self.deferred and not self.requested:
            self.requested, self._since = True, time.monotonic()
            return
        if self.requested and world_size() > 1 and time.monotonic() - self._since < ECHO:
            return
        self.leave()

    def leave(self) -> None:
        """Raises SystemExit(75)."""
        raise SystemExit(EXIT_INTERRUPTED)
