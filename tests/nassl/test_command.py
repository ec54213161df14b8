"""A stage and the DVC that started it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

STAGE = """
import signal, sys, time
from stages.runs import command
signal.signal(signal.SIGTERM, lambda *_: (print("saved", flush=True), sys.exit(75)))
command._end_with_dvc()
print("running", flush=True)
time.sleep(60)
"""
DVC = """
import os, subprocess, sys, time
stage = subprocess.Popen([sys.executable, "-c", {stage!r}], stdout=int(sys.argv[1]))
time.sleep(60)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="Linux tells a process that its parent died")
@pytest.mark.parametrize("under_dvc", [True, False])
def test_a_stage_whose_dvc_is_killed_saves_and_ends(under_dvc):
    """A stage started by hand has no such parent: a closed shell does not end it."""
    read, write = os.pipe()
    environment = {k: v for k, v in os.environ.items() if k != "DVC_STAGE"}
    if under_dvc:
        environment["DVC_STAGE"] = "search@x"
    dvc = subprocess.Popen(
        [sys.executable, "-c", DVC.format(stage=STAGE), str(write)],
        pass_fds=[write], env=environment, start_new_session=True,
    )  # fmt: skip
    os.close(write)
    with os.fdopen(read) as said:
        try:
            assert said.readline() == "running\n"
            dvc.kill()
            dvc.wait()
            if under_dvc:
                assert said.read() == "saved\n"  # and the pipe's end is closed
            else:
                os.set_blocking(said.fileno(), False)
                time.sleep(0.5)
                assert not said.readline()
                os.killpg(dvc.pid, signal.SIGKILL)
        finally:
            dvc.kill()
