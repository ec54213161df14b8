"""Ctrl-C in Snakemake: one sentence at the end, when it is true, instead of one error per job."""

from __future__ import annotations

import atexit
import logging
import signal
import sys
import time
from types import FrameType

from locks import running_jobs

PATIENCE = 60.0  # seconds in which a training finishes its step and saves
PAUSE = 0.2
SAVED = "Interrupted: saved; start the same command again to go on."


def say_when_interrupted() -> None:
    """For the main process, in the main thread. SIGINT still ends everything; every job that it
    stops would then be reported as failed, with its log, and these reports are left out."""
    signal.signal(signal.SIGINT, _interrupted)


def _interrupted(_number: int, _frame: FrameType | None) -> None:
    logging.disable(logging.CRITICAL)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a second one is not waited for
    atexit.register(_say)
    raise KeyboardInterrupt


def _say() -> None:
    end = time.monotonic() + PATIENCE
    while (left := running_jobs()) and time.monotonic() < end:
        time.sleep(PAUSE)
    print(f"Interrupted: {', '.join(left)} still run{'s' * (len(left) == 1)} and will save; start "
          "the same command again to go on." if left else SAVED, file=sys.stderr)  # fmt: skip
