"""The command line that every stage shares, its JSON files, and what a run cost."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from stages.core.devices import leased_devices
from stages.core.run import Run, read_run
from stages.core.settings import SettingsError


class InputError(ValueError):
    """Input that cannot be used: names the file, what was found, what is allowed, what to do."""


def stage_command(
    stage: str,
    doc: str,
    inputs: Sequence[str],
    function: Callable[[Run, argparse.Namespace, Path], None],
    argv: Sequence[str] | None = None,
    optional: Sequence[str] = (),
    start: Callable[..., None] | None = None,
) -> None:
    """Parses `<run> --<input> PATH ... --out FOLDER` and calls `function(run, inputs, out)`.

    A stage that can use several GPUs gives `start(function, run, inputs, out)`, which calls the
    function in a process for each.

    `inputs` are the names of the paths that dvc.yaml hands over, `optional` those that only some
    runs get (None otherwise). Without arguments the help is
    printed. A SettingsError or InputError ends the process with its text and code 2.
    """
    parser = argparse.ArgumentParser(
        prog=f"python -m stages.{stage}",
        description=doc,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("run", help=f"name of a run: a line under `{stage}` in params.yaml")
    for name in inputs:
        parser.add_argument(f"--{name}", type=Path, required=True, metavar="PATH")
    for name in optional:
        parser.add_argument(f"--{name}", type=Path, metavar="PATH")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="made if missing")
    argv = list(sys.argv[1:] if argv is None else argv)
    if not argv:
        parser.print_help()
        return
    arguments = parser.parse_args(argv)
    # The job's shell ignores SIGTERM (Snakefile), and DVC with it: it is for this process.
    if signal.getsignal(signal.SIGTERM) is signal.SIG_IGN:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        run = read_run(stage, arguments.run)
        # Before numpy or torch are imported: their thread pools read these once.
        os.environ["OMP_NUM_THREADS"] = str(run.resources.threads)
        arguments.out.mkdir(parents=True, exist_ok=True)
        with leased_devices(run.resources.gpus):
            if start:
                start(function, run, arguments, arguments.out)
            else:
                function(run, arguments, arguments.out)
    except (SettingsError, InputError) as error:
        print(f"{stage} {arguments.run}: {error}", file=sys.stderr)
        raise SystemExit(2) from error


def write_json(path: Path, content: Any) -> None:
    """Sorted and indented, so that the same content gives the same bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2, sort_keys=True, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """Raises InputError if the file is missing or is not JSON."""
    try:
        return json.loads(path.read_text())
    except FileNotFoundError as error:
        raise InputError(f"{path} is missing; run the stage that writes it") from error
    except json.JSONDecodeError as error:
        raise InputError(f"{path} is not JSON: {error}; delete it and run its stage") from error


class Cost:
    """Wall time and devices of a run, for cost.json: kept apart from metrics.json, because they
    differ from machine to machine while metrics must not."""

    def __init__(self, spent_seconds: float = 0.0, devices: int = 1) -> None:
        self._start = time.monotonic() - spent_seconds
        self._devices = devices

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._start

    def write(self, folder: Path, device: str = "cpu") -> None:
        """`gpu_days` counts days of devices, also where the device is a CPU (named beside it)."""
        seconds = self.seconds
        content = {
            "seconds": seconds,
            "gpu_days": seconds * self._devices / 86400,
            "device": device,
            "devices": self._devices,
        }
        write_json(folder / "cost.json", content)
