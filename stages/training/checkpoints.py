"""Where the checkpoints of a run lie, and what they belong to."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

from nassl.training.checkpoint import Checkpoints
from stages.runs.run import Run
from stages.training.fingerprint import run_fingerprint
from stages.training.machine import machine

FOLDER = Path(".checkpoints")


def open_checkpoints(run: Run, inputs: argparse.Namespace | None = None) -> Checkpoints:
    """The checkpoints of a run; `inputs` is the stage's command line: all its paths but `out`."""
    paths = [
        value
        for name, value in sorted(vars(inputs or argparse.Namespace()).items())
        if isinstance(value, Path) and name != "out"
    ]
    return Checkpoints(
        FOLDER / run.stage / run.name, run_fingerprint(run, paths), partial(machine, run)
    )
