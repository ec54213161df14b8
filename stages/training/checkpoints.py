"""Where the checkpoints of a run are: outside every declared output.

DVC and Snakemake delete declared outputs before a rerun, so the state to resume from is in
`.checkpoints/<stage>/<run>/`.
"""

from __future__ import annotations

import argparse
import os
from functools import partial
from pathlib import Path

from nassl.training.checkpoint import Checkpoints
from stages.runs.command import UNDER_DVC
from stages.runs.run import Run
from stages.training.fingerprint import run_fingerprint
from stages.training.machine import machine

FOLDER = Path(".checkpoints")


def open_checkpoints(run: Run, inputs: argparse.Namespace | None = None) -> Checkpoints:
    """The checkpoints of a run; `inputs` are the paths of the stage's command line, without `out`.

    DVC starts a stage only once. So under DVC, a process that holds the run's lock was left running
    by a killed start, and is waited for.
    """
    paths = [
        value
        for name, value in sorted(vars(inputs or argparse.Namespace()).items())
        if isinstance(value, Path) and name != "out"
    ]
    return Checkpoints(
        FOLDER / run.stage / run.name,
        run_fingerprint(run, paths),
        partial(machine, run),
        wait=UNDER_DVC in os.environ,
    )
