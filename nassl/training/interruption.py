"""SIGTERM, SIGINT and SIGHUP: the process ends where the run can continue later."""

from __future__ import annotations

import signal
import threading
import time
from typing import Any

from nassl.parallel.processes import world_size

EXIT_INTERRUPTED = 75  # EX_TEMPFAIL: nothing is wrong, start the same command again
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
# One event may cause two signals: one to the whole group and one forwarded by the first of several
# processes; or SIGHUP from a closed terminal and SIGTERM because DVC ended.
ECHO = 1.0  # seconds


class Interruption:
    """While entered, SIGTERM, SIGINT and SIGHUP end the process with code 75; one that was ignored
    before (`nohup`) stays ignored.

    If `deferred` is set (by a training loop), the signal is only recorded in `requested`: the loop
    finishes its step, saves and calls `leave`. A second signal ends the process at once.
    """

    def __init__(self) -> None:
        self.requested = False
        self.deferred = False
        self._since = 0.0
        self._first = 0
        self._former: dict[int, Any] = {}

    def __enter__(self) -> Interruption:
        if threading.current_thread() is threading.main_thread():  # others may not set handlers
            for number in SIGNALS:
                if signal.getsignal(number) is not signal.SIG_IGN:
                    self._former[number] = signal.signal(number, self._receive)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._former.items():
            signal.signal(number, handler)
        self._former = {}

    def _receive(self, number: int, _frame: object) -> None:
        if self.deferred and not self.requested:
            self.requested, self._since, self._first = True, time.monotonic(), number
            return
        soon = time.monotonic() - self._since < ECHO
        if self.requested and soon and (world_size() > 1 or number != self._first):
            return
        self.leave()

    def leave(self) -> None:
        """Raises SystemExit(75)."""
        raise SystemExit(EXIT_INTERRUPTED)
